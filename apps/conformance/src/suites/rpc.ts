import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { RpcDispatcher } from "@aios/consensus/adapters/json-rpc/dispatcher";
import { internalErrors, openEthereumNode } from "../ethereum/ethereum-node.js";
import { type Json, jsonDifference, shapeDifference } from "../json-difference.js";
import type { CaseResult, Suite } from "../suite.js";

interface Reply {
  readonly result?: Json;
  readonly error?: { readonly code: number; readonly message: string };
}

interface Exchange {
  readonly request: string;
  readonly reply: Reply;
}

/** Methods of the consensus layer and of test harnesses, which this node does not have. */
const EXCLUDED = /^(engine|testing)_/;
const nodes = new Map<string, Promise<RpcDispatcher>>();

/** The folder with the chain, above the folders of the methods. */
function chainFolder(path: string): string {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, "chain.rlp"))) return folder;
  throw new Error("no chain.rlp in any folder above");
}

function parse(text: string): { readonly exchanges: readonly Exchange[]; readonly shapeOnly: boolean } {
  const exchanges: Exchange[] = [];
  let shapeOnly = false;
  let request: string | undefined;
  for (const line of text.split("\n")) {
    if (/^\/\/\s*speconly:/.test(line)) shapeOnly = true;
    else if (line.startsWith(">>")) request = line.slice(2).trim();
    else if (line.startsWith("<<")) {
      if (request === undefined) throw new Error("an answer without a request");
      exchanges.push({ request, reply: JSON.parse(line.slice(2)) as Reply });
      request = undefined;
    }
  }
  if (exchanges.length === 0) throw new Error("the file holds no exchange");
  return { exchanges, shapeOnly };
}

function difference(actual: Reply, expected: Reply, shapeOnly: boolean): string | undefined {
  if (expected.error !== undefined)
    return actual.error === undefined
      ? `an error was expected (${expected.error.message}), the result is ${JSON.stringify(actual.result).slice(0, 200)}`
      : undefined;
  if (actual.error !== undefined) {
    const cause = internalErrors.splice(0).at(-1);
    const why = cause instanceof Error ? ` (${cause.stack})` : "";
    return `error ${actual.error.code}: ${actual.error.message}${why}`;
  }
  const compare = shapeOnly ? shapeDifference : jsonDifference;
  return compare(actual.result ?? null, expected.result ?? null);
}

async function replay(path: string): Promise<string | undefined> {
  const folder = chainFolder(path);
  let opening = nodes.get(folder);
  if (opening === undefined) {
    opening = openEthereumNode(folder);
    nodes.set(folder, opening);
  }
  const node = await opening;
  const { exchanges, shapeOnly } = parse(await readFile(path, "utf8"));
  for (const { request, reply } of exchanges) {
    const answer = await node.handle(request);
    if (answer === undefined) return "no answer";
    const found = difference(JSON.parse(answer) as Reply, reply, shapeOnly);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const rpcSuite: Suite = {
  name: "rpc",
  describe: "tests of ethereum/execution-apis: a chain of Ethereum, requests and their exact answers",
  accepts: (path) => path.endsWith(".io"),
  async *runFile(path): AsyncIterable<CaseResult> {
    const method = basename(dirname(path));
    const name = basename(path, ".io");
    if (EXCLUDED.test(method)) {
      yield { name, status: "skipped", detail: `${method}: not a method of clients` };
      return;
    }
    const detail = await replay(path);
    yield detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
  },
};
