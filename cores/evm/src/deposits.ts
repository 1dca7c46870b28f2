/** Deposits to the beacon chain: events of the deposit contract, read as requests (EIP-6110). */
import { CodedError } from "@aios/kernel/coded-error";
import type { LogEntry } from "./world-state.js";

/** keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)"). */
const DEPOSIT_TOPIC = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5";
const EVENT_BYTES = 576;
const WORD = 32;
/** Public key, credentials, amount, signature, index: where the length of each stands in the data, and what it has to be. */
const FIELDS = [
  { at: 160, size: 48 },
  { at: 256, size: 32 },
  { at: 320, size: 8 },
  { at: 384, size: 96 },
  { at: 512, size: 8 },
] as const;
export const DEPOSIT_REQUEST_BYTES = 192;

function invalidDeposit(what: string): CodedError {
  return new CodedError({
    code: "invalid-deposit-event",
    kind: "unprocessable",
    message: `an event of the deposit contract is no deposit: ${what}`,
  });
}

function hasNumber(data: Uint8Array, at: number, expected: number): boolean {
  for (let i = at; i < at + WORD - 2; i++) if (data[i] !== 0) return false;
  return ((data[at + WORD - 2] ?? 0) << 8) + (data[at + WORD - 1] ?? 0) === expected;
}

function isDeposit({ address, topics }: LogEntry, contract: Uint8Array): boolean {
  const [topic] = topics;
  return (
    topic !== undefined &&
    address.every((byte, i) => byte === contract[i]) &&
    topic.every((byte, i) => byte === Number.parseInt(DEPOSIT_TOPIC.slice(2 * i, 2 * i + 2), 16))
  );
}

/**
 * The deposits among logs, one after the other: 192 bytes each (public key, withdrawal credentials, amount, signature,
 * index). Throws `invalid-deposit-event` for an event of another layout, which makes the block invalid.
 */
export function depositsIn(logs: readonly LogEntry[], contract: Uint8Array): Uint8Array {
  const events = logs.filter((log) => isDeposit(log, contract));
  const out = new Uint8Array(events.length * DEPOSIT_REQUEST_BYTES);
  let written = 0;
  for (const { data } of events) {
    if (data.length !== EVENT_BYTES) throw invalidDeposit(`${data.length} bytes`);
    for (const [index, { at, size }] of FIELDS.entries()) {
      if (!hasNumber(data, index * WORD, at) || !hasNumber(data, at, size))
        throw invalidDeposit(`its field ${index} is not where or as long as it has to be`);
      out.set(data.subarray(at + WORD, at + WORD + size), written);
      written += size;
    }
  }
  return out;
}
