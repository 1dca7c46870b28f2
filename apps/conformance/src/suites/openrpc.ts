import { basename } from "node:path";
import { type MethodDefinition, ResultSchemas, readMethods } from "../openrpc/definitions.js";
import { type LiveNode, startLiveNode } from "../openrpc/live-node.js";
import { REFUSED, requestsOf } from "../openrpc/live-requests.js";
import type { CaseResult, Suite } from "../suite.js";

/** Folders of the definitions that hold methods of clients. */
const METHOD_FILE = /[/\\](eth|debug|txpool|net|web3)[/\\][^/\\]+\.yaml$/;

async function problem(
  live: LiveNode,
  schemas: ResultSchemas,
  definition: MethodDefinition,
  requests: readonly (readonly unknown[])[] | undefined,
): Promise<string | undefined> {
  if (requests === undefined || requests.length === 0) return "this suite has no request for the method";
  for (const params of requests) {
    const reply = await live.ask(definition.name, params);
    if (REFUSED.has(definition.name)) {
      if (reply.error === undefined || !Number.isInteger(reply.error.code)) return "an error was expected";
      continue;
    }
    if (reply.error !== undefined)
      return `${JSON.stringify(params)}: error ${reply.error.code}: ${reply.error.message}`;
    const found = schemas.problem(definition, reply.result);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const openrpcSuite: Suite = {
  name: "openrpc",
  describe: "method definitions of ethereum/execution-apis: answers of a running node are valid for each",
  accepts: (path) => METHOD_FILE.test(path),
  async *runFile(path): AsyncIterable<CaseResult> {
    const methods = readMethods(path);
    const schemas = new ResultSchemas(path);
    const live = await startLiveNode();
    try {
      const requests = await requestsOf(live);
      for (const definition of methods) {
        const detail = await problem(live, schemas, definition, requests[definition.name]);
        const { name } = definition;
        yield detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
      }
      if (methods.length === 0) throw new Error(`${basename(path)} defines no method`);
    } finally {
      await live.close();
    }
  },
};
