import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { SeededRng } from "@aios/kernel/random";
import { importByteStream } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { HeliaContentStore } from "../src/adapters/ipfs/helia-content-store.js";
import { startHeliaNode } from "../src/adapters/ipfs/helia-node.js";

const accepted = async (): Promise<void> => undefined;
const SUITE = "storage";
const CONTENT_BYTES = 32 * 1024 * 1024;
const json = process.argv.includes("--json");

/** Ingest and read through our store, beside the bare importer on the same node, plain and encrypted. */
const directory = await mkdtemp(join(tmpdir(), "aios-storage-bench-"));
const node = await startHeliaNode({ directory, listen: "/ip4/127.0.0.1/tcp/0" });
try {
  const store = new HeliaContentStore(node, { freeBytes: async () => 2 ** 40 }, 0);
  const rng = new SeededRng(1);
  const contents = Array.from({ length: 3 }, () => rng.bytes(CONTENT_BYTES));
  const [first, second, third] = contents as [Uint8Array, Uint8Array, Uint8Array];
  const bare = await rate(() =>
    importByteStream(pieces(first), node.blockstore, { chunker: fixedSize({ chunkSize: 1 << 20 }) }),
  );
  const plain = await rate(() => store.put(pieces(second), accepted));
  const { cid } = await store.put(pieces(second), accepted);
  const read = await rate(async () => {
    for await (const chunk of store.read(cid)) if (chunk.length === 0) throw new Error("an empty chunk");
  });
  const key = generateContentKey(rng);
  const encrypted = await rate(() => store.put(pieces(encryptContent(key, third, rng)), accepted));
  report("ingest, plain", plain, bare);
  report("ingest, encrypted with the portable cipher", encrypted, bare);
  report("read, every block checked", read, undefined);
} finally {
  await node.stop();
  await rm(directory, { recursive: true });
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += 1 << 19)
    yield bytes.subarray(offset, offset + (1 << 19));
}

/** MB/s of one run over `CONTENT_BYTES`. */
async function rate(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return CONTENT_BYTES / 1_000 / (performance.now() - started);
}

function report(name: string, value: number, peerValue: number | undefined): void {
  const rounded = Math.round(value * 10) / 10;
  const peer =
    peerValue === undefined ? {} : { peer: "bare IPFS importer", peerValue: Math.round(peerValue * 10) / 10 };
  if (json) {
    const line = { suite: SUITE, name, value: rounded, unit: "MB/s", goal: null, better: "higher", ...peer };
    console.log(JSON.stringify(line));
  } else {
    console.log(
      `${name.padEnd(48)} ${rounded.toFixed(1).padStart(8)} MB/s${peerValue === undefined ? "" : `   bare ${peerValue.toFixed(1)}`}`,
    );
  }
}
