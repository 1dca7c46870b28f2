import { address, jobId } from "@aios/kernel/identifiers";
import { ComputeServiceService } from "@aios/proto/aios/compute/v1/compute";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { LeaseBook } from "@aios/testkit/lease-book";
import { PeerServer } from "@aios/testkit/peer-server";
import { GrpcLeaseChecker } from "../../src/adapters/grpc/grpc-lease-checker.js";
import { leaseCheckerConformance } from "../conformance/lease-checker.conformance.js";

// On compute itself: in compute's own tests.
leaseCheckerConformance("GrpcLeaseChecker on LeaseBook", async () => {
  const peer = new PeerServer();
  const book = new LeaseBook(peer);
  await peer.start();
  const live = {
    jobId: jobId(`0x${"0d".repeat(32)}`),
    fencingToken: 7,
    provider: address(`0x${"c3".repeat(20)}`),
  };
  const modelOwner = address(`0x${"a1".repeat(20)}`);
  const contentCids = ["bafkmodel", "bafkinput"];
  book.give({ ...live, contentCids, modelOwner });
  const client = createGrpcClient(ComputeServiceService, peer.url, { audience: "compute" });
  return {
    checker: new GrpcLeaseChecker(client),
    peer,
    live,
    contentCids,
    modelOwner,
    async close() {
      client[Symbol.dispose]();
      peer.stop();
    },
  };
});
