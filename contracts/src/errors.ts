import { JOB_ACTIONS, JOB_STATES } from "@aios/core-settlement/job-state-table";
import { CodedError } from "@aios/kernel/coded-error";
import { formatAios } from "@aios/kernel/units";
import { type ErrorDescription, Interface, type ParamType } from "ethers";
import { abi as allErrors } from "../generated/abi/all-errors.js";
import { ERROR_SENTENCES } from "./error-sentences.js";

export interface DecodedContractError {
  /** Name of the custom error, or "Error" (a reason string), "Panic" (a compiler check), "Unknown". */
  readonly error: string;
  /** Arguments by name: integers as decimal strings, enums and reasons as text. JSON-serialisable. */
  readonly args: Readonly<Record<string, string>>;
  /** One sentence for a person that says what to do. */
  readonly message: string;
}

const errors = new Interface(allErrors);
/** Built into the language and into ethers, which leaves their arguments unnamed. */
const BUILT_IN: Readonly<Record<string, string>> = { Error: "reason", Panic: "code" };

const PANICS: Readonly<Record<string, string>> = {
  "1": "an assertion failed",
  "17": "a number overflowed",
  "18": "a division by zero",
  "33": "a value is outside its enumeration",
  "34": "stored data is malformed",
  "49": "an empty list was popped",
  "50": "an index is out of bounds",
  "65": "too much memory was asked for",
  "81": "an unset function was called",
};

/** Names that hold unix seconds. */
const TIMES = new Set([
  "timestamp",
  "deadline",
  "leaseBy",
  "acceptBy",
  "deliverBy",
  "settleBy",
  "pendingUntil",
  "refundableAfter",
  "unbondedAt",
  "expiry",
]);
/** Names of token amounts in OpenZeppelin's errors; ours end in `Wei`. */
const AMOUNTS = new Set(["allowance", "balance", "needed"]);

/** Decodes the data of a revert, 0x hex. Never throws: what cannot be decoded is "Unknown" and shown as it is. */
export function decodeContractError(data: string): DecodedContractError {
  const description = parse(data);
  if (description === undefined) {
    const message =
      data === "0x" || data === ""
        ? "The contract refused the call without saying why. Check the address, and that the transaction had enough gas."
        : "The contract refused the call with an error that this version does not know.";
    return { error: "Unknown", args: { data }, message };
  }
  const args = Object.fromEntries(
    description.fragment.inputs.map((input, index) => [
      BUILT_IN[description.name] ?? input.name,
      plainValue(input, description.args[index] as unknown),
    ]),
  );
  return { error: description.name, args, message: sentence(description.name, args) };
}

/**
 * The revert's data inside what a provider threw or a JSON-RPC node answered, or undefined when the error is not a
 * revert. Looks through `data`, `error`, `info` and `cause`, a bounded number of levels deep.
 */
export function revertDataOf(error: unknown, depth = 0): string | undefined {
  if (depth > 6 || typeof error !== "object" || error === null) return undefined;
  const fields = error as Record<string, unknown>;
  if (typeof fields["data"] === "string" && /^0x([0-9a-fA-F]{2})*$/.test(fields["data"]))
    return fields["data"];
  for (const name of ["data", "error", "info", "cause"]) {
    const found = revertDataOf(fields[name], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A revert as the error that services pass on: code `reverted`, details `{ error, args }`. */
export function contractRevert(data: string): CodedError {
  const { error, args, message } = decodeContractError(data);
  return new CodedError({ code: "reverted", kind: "conflict", message, details: { error, args } });
}

function parse(data: string): ErrorDescription | undefined {
  try {
    return errors.parseError(data) ?? undefined;
  } catch {
    // Right selector, truncated arguments.
    return undefined;
  }
}

function plainValue(input: ParamType, value: unknown): string {
  if (input.name === "reason" && input.type === "bytes32") return asciiOf(String(value));
  if (input.name === "from" && input.type === "uint8") return JOB_STATES[Number(value)] ?? String(value);
  if (input.name === "action" && input.type === "uint8") return JOB_ACTIONS[Number(value)] ?? String(value);
  return String(value);
}

function asciiOf(bytes32: string): string {
  const text = Buffer.from(bytes32.slice(2), "hex").toString("latin1").replace(/\0+$/, "");
  return /^[\x20-\x7e]*$/.test(text) ? text : bytes32;
}

function sentence(name: string, args: Readonly<Record<string, string>>): string {
  if (name === "Error") return `The contract refused the call: ${args["reason"]}`;
  if (name === "Panic") {
    return `The contract stopped on a check (${PANICS[args["code"] ?? ""] ?? `code ${args["code"]}`}). Check the amounts that were sent.`;
  }
  const template = ERROR_SENTENCES[name] ?? `The contract refused the call with ${name}.`;
  return template.replace(/\{(\w+)\}/g, (_, argument: string) => forPeople(argument, args[argument] ?? ""));
}

function forPeople(name: string, value: string): string {
  if (!/^\d{1,78}$/.test(value)) return value === "" ? "nothing" : value;
  if (name.endsWith("Wei") || AMOUNTS.has(name)) return `${formatAios(BigInt(value))} AIOS`;
  if (TIMES.has(name) && Number(value) > 0 && Number(value) < 8.64e12)
    return new Date(Number(value) * 1000).toISOString();
  return value;
}
