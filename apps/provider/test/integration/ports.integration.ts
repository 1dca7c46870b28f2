import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { contentId } from "@aios/core-content-id/content-id";
import { ManualClock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { FileLeaseJournal } from "../../src/adapters/file/file-lease-journal.js";
import { FileStakeLedger } from "../../src/adapters/file/file-stake-ledger.js";
import { GrpcContents } from "../../src/adapters/grpc/grpc-contents.js";
import { loadSigner } from "../../src/adapters/keys/key-file-signer.js";
import { contentsConformance } from "../conformance/contents.conformance.js";
import { leaseJournalConformance } from "../conformance/lease-journal.conformance.js";
import { signerConformance } from "../conformance/signer.conformance.js";
import { stakeLedgerConformance } from "../conformance/stake-ledger.conformance.js";
import { OWNER, ProviderPlatform } from "../provider-platform.js";
import { MemoryContents } from "../support/memory-contents.js";

const WRITER = fileURLToPath(new URL("../../dist/test/support/journal-writer.js", import.meta.url));
const WRITTEN_BEFORE_THE_CRASH = 5;
const PROVIDER = address(`0x${"c3".repeat(20)}`);
/** Longer than the adapter waits between two attempts. */
const LONG_MS = 60_000;

signerConformance("loadSigner", async () => {
  const directory = temporaryDirectory("signer");
  const file = join(directory.path, "provider.key");
  writeFileSync(file, `${"5".repeat(64)}\n`, { mode: 0o600 });
  return { load: () => loadSigner(file), close: async () => directory.remove() };
});

leaseJournalConformance("FileLeaseJournal", async () => {
  const directory = temporaryDirectory("journal");
  return {
    open: () => FileLeaseJournal.open(directory.path),
    async crashWhileWriting() {
      const writer = spawn(process.execPath, [WRITER, directory.path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exit = once(writer, "exit");
      let written = 0;
      for await (const line of createInterface(writer.stdout)) {
        written = Number(line);
        if (written >= WRITTEN_BEFORE_THE_CRASH) writer.kill("SIGKILL");
      }
      await exit;
      return written;
    },
    close: async () => directory.remove(),
  };
});

stakeLedgerConformance("FileStakeLedger", () => {
  const directory = temporaryDirectory("stakes");
  return { open: () => new FileStakeLedger(directory.path), close: () => directory.remove() };
});

contentsConformance("GrpcContents on the storage service", async () => {
  const platform = await ProviderPlatform.start();
  const token = await platform.compute.sessionToken(PROVIDER);
  const clock = new ManualClock();
  const url = `127.0.0.1:${platform.storage.ports.grpcPort}`;
  const contents = new GrpcContents(url, () => token, new SeededRng(4), clock);
  return {
    contents,
    peer: platform.storage,
    deposit: async (plaintext) => contentId(await platform.publish(plaintext, "model")),
    giveLease: (lease, contentCids) =>
      platform.compute.leases.give({ ...lease, provider: PROVIDER, contentCids, modelOwner: OWNER }),
    pass: () => clock.advance(LONG_MS),
    async close() {
      contents[Symbol.dispose]();
      await platform.stop();
    },
  };
});

contentsConformance("MemoryContents", async () => {
  const contents = new MemoryContents();
  return {
    contents,
    peer: contents,
    deposit: async (plaintext) => contents.deposit(plaintext),
    giveLease: (lease, cids) => contents.giveLease(lease, cids),
    pass: () => undefined,
    close: async () => undefined,
  };
});
