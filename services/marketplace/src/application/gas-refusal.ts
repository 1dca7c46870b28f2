import { isCodedError } from "@aios/kernel/coded-error";
import type { Failure } from "../domain/model.js";

/**
 * The failure of what the platform refused to pay gas for. Refused, it is not in the chain-write outbox, and asking again
 * is refused for up to a day: it has failed. `undefined` for every other error, which leaves open what became of it.
 */
export function gasRefusal(error: unknown): Failure | undefined {
  if (!isCodedError(error) || error.code !== "gas-allowance-spent") return undefined;
  return { code: error.code, message: error.message, detailsJson: JSON.stringify(error.details) };
}
