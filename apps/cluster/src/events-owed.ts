import { isCodedError } from "@aios/kernel/coded-error";
import type { AiosClient } from "@aios/sdk/client";
import type { Operations } from "@aios/sdk/operations-types";
import { until } from "@aios/sdk/until";

const SENT_WITHIN_MS = 60_000;

/** Events that still wait in an outbox, or that a service gave up on, once all had the time to leave; a sentence each. */
export async function eventsOwed(operator: AiosClient): Promise<readonly string[]> {
  let latest: readonly string[] = [];
  const read = async (): Promise<readonly string[]> => {
    latest = owedBy((await operator.operations()).services);
    return latest;
  };
  try {
    return await until(read, (owed) => owed.length === 0, { timeoutMs: SENT_WITHIN_MS });
  } catch (error) {
    if (isCodedError(error) && error.code === "wait-timed-out") return latest;
    throw error;
  }
}

export function owedBy(services: Operations["services"]): readonly string[] {
  return services.flatMap(({ name, state, outbox, deadLetters }) => [
    ...(state === "ready" ? [] : [`${name} is ${state}`]),
    ...((outbox?.events ?? 0) === 0 ? [] : [`${outbox?.events} events wait in the outbox of ${name}`]),
    ...((deadLetters?.events ?? 0) === 0 ? [] : [`${name} gave up on ${deadLetters?.events} events`]),
  ]);
}
