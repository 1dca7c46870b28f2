import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";

export interface ChainQuestion {
  /** The node's JSON-RPC. */
  readonly url: string;
  readonly clock: Pick<Clock, "now" | "wait">;
  readonly withinMs: number;
  readonly say: (line: string) => void;
  readonly fetch?: typeof fetch;
}

const PAUSE_MS = 500;
const ANSWER_WITHIN_MS = 5_000;
const CHAIN_ID_REQUEST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });

/** Resolves when the chain's node answers, which may start at the same time. Throws `chain-unavailable`. */
export async function chainAnswers({ url, clock, withinMs, say, ...others }: ChainQuestion): Promise<void> {
  const ask = others.fetch ?? fetch;
  const endsAt = clock.now() + withinMs;
  for (let tries = 1; ; tries++) {
    const reason = await silence(ask, url);
    if (reason === undefined) return;
    if (tries === 1) say(`waiting for the chain's node at ${url}`);
    if (clock.now() + PAUSE_MS > endsAt) {
      throw new CodedError({
        code: "chain-unavailable",
        kind: "unavailable",
        message: `The chain's node at ${url} did not answer within ${withinMs / 1_000} s: ${reason}. Look at the pods of consensus.`,
        details: { url },
      });
    }
    await clock.wait(durationMs(PAUSE_MS));
  }
}

/** Why there is no answer; undefined where there is one. */
async function silence(ask: typeof fetch, url: string): Promise<string | undefined> {
  try {
    const answer = await ask(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: CHAIN_ID_REQUEST,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    await answer.arrayBuffer();
    return answer.ok ? undefined : `it answers ${answer.status}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? cause.message : message;
  }
}
