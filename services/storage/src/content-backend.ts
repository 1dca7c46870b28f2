import { join } from "node:path";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { diskSpaceOf } from "./adapters/ipfs/disk-space.js";
import { HeliaContentStore } from "./adapters/ipfs/helia-content-store.js";
import { startHeliaNode } from "./adapters/ipfs/helia-node.js";
import { UploadJournal } from "./adapters/ipfs/upload-journal.js";
import type { storageSettings } from "./config.js";
import { storageFull } from "./domain/errors.js";
import type { ContentStore } from "./domain/ports.js";

export interface ContentBackend {
  readonly store: ContentStore;
  /** Bytes that may still be stored. */
  freeBytes(): Promise<number>;
}

type Context = ServiceContext<typeof storageSettings>;

/** Where the bytes are: on the Kubo node that `KUBO_RPC_URL` names, or on an embedded node. Registers its health. */
export async function contentBackend(context: Context, directory: string): Promise<ContentBackend> {
  const { settings, health } = context;
  const url = settings.KUBO_RPC_URL;
  const backend =
    url === undefined
      ? await embeddedBackend(context, join(directory, "ipfs"))
      : await kuboBackend(context, url, join(directory, "kubo-uploads"));
  const hasSpace = async (): Promise<void> => {
    if ((await backend.freeBytes()) < settings.STORAGE_MIN_FREE_DISK) throw storageFull();
  };
  // Uploads are refused one by one; what is stored can still be read.
  health.register("disk", hasSpace, "never");
  return backend;
}

async function embeddedBackend(context: Context, directory: string): Promise<ContentBackend> {
  const { settings } = context;
  const node = await startHeliaNode({ directory, listen: settings.LIBP2P_LISTEN });
  context.onShutdown("ipfs node", async () => {
    await node.stop();
  });
  const disk = diskSpaceOf(directory);
  return {
    store: new HeliaContentStore(node, disk, settings.STORAGE_MIN_FREE_DISK),
    freeBytes: () => disk.freeBytes(),
  };
}

/** Kubo's client is large: it is loaded only where it is used. */
async function kuboBackend(context: Context, url: string, directory: string): Promise<ContentBackend> {
  const [{ KuboNode }, { KuboContentStore }] = await Promise.all([
    import("./adapters/ipfs/kubo-node.js"),
    import("./adapters/ipfs/kubo-content-store.js"),
  ]);
  const { settings, health } = context;
  const node = new KuboNode({ url, timeoutMs: settings.KUBO_TIMEOUT });
  const journal = new UploadJournal(directory);
  await journal.open();
  health.register("kubo", () => node.check());
  return {
    store: new KuboContentStore(node, journal, {
      minFreeBytes: settings.STORAGE_MIN_FREE_DISK,
      collectsGarbage: settings.KUBO_COLLECT_GARBAGE,
      collectTimeoutMs: settings.STORAGE_SWEEP_INTERVAL,
    }),
    freeBytes: () => node.freeBytes(),
  };
}
