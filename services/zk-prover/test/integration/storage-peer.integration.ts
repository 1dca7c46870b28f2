import { address } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { StoragePlatform } from "@aios/storage/test/storage-platform";
import { StorageContentStore } from "../../src/adapters/peers/storage.content-store.js";
import { contentStoreConformance } from "../conformance/content-store.conformance.js";
import { FakeStorage } from "../support/fake-storage.js";

const DEADLINE_MS = 20_000;
const OWNER = address(`0x${"a1".repeat(20)}`);

contentStoreConformance("StorageContentStore on the storage service", async () => {
  const platform = await StoragePlatform.start();
  const [{ contents, keys }, owner] = [await platform.as("zk-prover"), await platform.owner(OWNER)];
  return {
    store: new StorageContentStore(contents, keys, new SeededRng(1), DEADLINE_MS),
    peer: platform.service,
    deposit: (plaintext, servicePurposes) => owner.deposit(plaintext, { servicePurposes }),
    releases: async (cid) => (await owner.releases(cid)).map(({ purpose, jobId }) => ({ purpose, jobId })),
    close: () => platform.stop(),
  };
});

contentStoreConformance("StorageContentStore on FakeStorage", async () => {
  const storage = await FakeStorage.start();
  const options = { audience: "storage" };
  return {
    store: new StorageContentStore(
      createGrpcClient(ContentServiceService, storage.peer.url, options),
      createGrpcClient(ContentKeyServiceService, storage.peer.url, options),
      new SeededRng(1),
      DEADLINE_MS,
    ),
    peer: storage.peer,
    deposit: async (plaintext, purposes) => storage.deposit(plaintext, purposes),
    releases: async (cid) =>
      storage.releases.filter((each) => each.cid === cid).map(({ purpose, jobId }) => ({ purpose, jobId })),
    close: async () => storage.stop(),
  };
});
