#!/usr/bin/env node
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { readHonorHome } from "./honor-home.js";
import { startNode } from "./start-node.js";

// node run-node.js HOME: a node of an honor chain alone, without the platform's services; a seat's key makes it vote.
// Prints one line of JSON when it serves. SIGINT and SIGTERM end it.
const say = (fields: Record<string, unknown>): void =>
  void process.stdout.write(`${JSON.stringify(fields)}\n`);
const complain = (what: string, error: unknown): void => {
  const { code, message } = isCodedError(error) ? error : { code: "failed", message: String(error) };
  process.stderr.write(`${JSON.stringify({ what, code, message })}\n`);
};

try {
  const [directory] = process.argv.slice(2);
  if (directory === undefined)
    throw new CodedError({ code: "usage", kind: "invalid", message: "Usage: run-node.js HOME." });
  const { genesis, dataDir, rpcListen, honor, settings } = await readHonorHome(directory);
  const node = await startNode({
    genesis,
    dataDir,
    ...rpcListen,
    honor,
    expectsCalls: false,
    settings,
    producerObserver: {
      produced: () => undefined,
      failed: (error, attempt) => complain(`checkpoint, attempt ${attempt}`, error),
    },
    rpcObserver: {
      called: () => undefined,
      internalError: (method, error) => complain(method, error),
      ended: (error, times) => complain(`JSON-RPC thread, ended ${times} times`, error),
    },
    onListenerError: (error) => complain("listener", error),
    onOffence: (offence) => say({ offence }),
    onSnapshotsRefused: (refused) => {
      if (refused.size > 0) say({ snapshotsRefused: Object.fromEntries(refused) });
    },
  });
  say({ url: node.url, webSocketUrl: node.webSocketUrl, peerPort: node.honor?.peerPort });
  const stop = (): void => void node.stop().then(() => process.exit(0));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
} catch (error) {
  complain("start", error);
  process.exit(1);
}
