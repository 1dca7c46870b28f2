import { address, jobId } from "@aios/kernel/identifiers";
import { ComputeServiceService, JobState } from "@aios/proto/aios/compute/v1/compute";
import { GrpcLeaseChecker } from "@aios/storage/adapters/grpc/grpc-lease-checker";
import { leaseCheckerConformance } from "@aios/storage/test/conformance/lease-checker.conformance";
import { ComputePlatform } from "../support/compute-platform.js";
import { FakeProvider } from "../support/fake-provider.js";

// The one question that storage asks compute, through storage's own adapter.
leaseCheckerConformance("GrpcLeaseChecker on the compute service", async () => {
  const platform = await ComputePlatform.start({ PROVIDER_GRACE: "60s" });
  const provider = new FakeProvider(platform.url, { manner: "silent" });
  await provider.connect();
  const job = await platform.reaches(await platform.placeJob(), JobState.JOB_STATE_LEASED);
  const client = await platform.clientOf(ComputeServiceService, "storage");
  const inputs = [...platform.peers.contents.keys()];
  return {
    checker: new GrpcLeaseChecker(client),
    peer: platform.service,
    live: { jobId: jobId(job.jobId), fencingToken: job.fencingToken, provider: address(provider.address) },
    contentCids: ["bafkreimodelcontentaaaaaaaaaaaaaaa", ...inputs],
    modelOwner: address(`0x${"0a".repeat(20)}`),
    async close() {
      provider.vanish();
      await platform.stop();
    },
  };
});
