import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Kubectl } from "./kubectl.js";
import { wordsOf } from "./operation.js";

export interface ChainHead {
  readonly height: number;
  readonly hash: string;
}

const JSON_RPC_PORT = 8_545;
const ANSWER_WITHIN_MS = 30_000;

interface Block {
  readonly number: string;
  readonly hash: string;
}

/** What is not the node's silence: its answer, or what ends the asking. */
const NOT_OF_SILENCE: ReadonlySet<string> = new Set(["chain-differs", "interrupted", "kubectl-missing"]);

/** The newest block of the release's own node. Throws `chain-silent`, `chain-differs`. */
export async function chainHead(kubectl: Kubectl, release: string): Promise<ChainHead> {
  const block = await blockAt(kubectl, release, "latest");
  if (block === null) throw otherChain(`the node of ${release} has no block`);
  return { height: Number(block.number), hash: block.hash };
}

/** Throws `chain-differs` unless the node has that block, `chain-silent`; answers its newest one. */
export async function requireBlock(
  kubectl: Kubectl,
  release: string,
  { height, hash }: ChainHead,
): Promise<ChainHead> {
  const block = await blockAt(kubectl, release, `0x${height.toString(16)}`);
  if (block?.hash !== hash)
    throw otherChain(`block ${height} is ${block?.hash ?? "missing"}; in the backup it is ${hash}`);
  return chainHead(kubectl, release);
}

async function blockAt(kubectl: Kubectl, release: string, tag: string): Promise<Block | null> {
  try {
    return await askedFor(kubectl, release, tag);
  } catch (error) {
    throw isCodedError(error) && NOT_OF_SILENCE.has(error.code) ? error : silent(release, error);
  }
}

function askedFor(kubectl: Kubectl, release: string, tag: string): Promise<Block | null> {
  return kubectl.forwarded(`service/${release}-consensus`, JSON_RPC_PORT, async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: [tag, false] }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const { result, error } = (await answer.json()) as {
      readonly result?: Block | null;
      readonly error?: { readonly message: string };
    };
    if (result === undefined) throw otherChain(error?.message ?? `the node answers ${answer.status}`);
    return result;
  });
}

const silent = (release: string, cause: unknown): CodedError =>
  new CodedError({
    code: "chain-silent",
    kind: "unavailable",
    message: `The chain's node of ${release} does not tell its block: ${wordsOf(cause).replace(/\.$/, "")}. See why with 'aios doctor --kubernetes' and 'kubectl logs ${release}-consensus-0'. A backup without it: --without-head, whose restore compares no block.`,
    cause,
  });

const otherChain = (what: string): CodedError =>
  new CodedError({
    code: "chain-differs",
    kind: "conflict",
    message: `The chain's node is not what was expected: ${what}.`,
  });
