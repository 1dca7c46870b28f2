import { CodedError } from "@aios/kernel/coded-error";
import { concatBytes } from "@noble/hashes/utils.js";
import type { ExecutionContext } from "./context.js";
import { depositsIn } from "./deposits.js";
import { STATUS } from "./frame.js";
import { FORK } from "./hardfork.js";
import { execute } from "./interpreter.js";
import type { LogEntry } from "./world-state.js";

const SYSTEM_CALL_GAS = 30_000_000;

function fromHex(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
}

const SYSTEM_ADDRESS = fromHex("fffffffffffffffffffffffffffffffffffffffe");
const BEACON_ROOTS = fromHex("000f3df6d732807ef1319fb7b8bb8522d0beac02");
const HISTORY = fromHex("0000f90827f1c53a10cb7a02335b175320002935");
const WITHDRAWAL_REQUESTS = fromHex("00000961ef480eb55e80d19ad83579a64c007002");
const CONSOLIDATION_REQUESTS = fromHex("0000bbddc7ce488642fb579f8b00f3a590007251");

/** Calls a contract as the system does: no fee, no nonce. `undefined` where there is no code. */
function systemCall(
  context: ExecutionContext,
  target: Uint8Array,
  input: Uint8Array,
): { readonly succeeded: boolean; readonly output: Uint8Array } | undefined {
  const { state } = context;
  const account = state.accountAt(target);
  if (account.code.length === 0) return undefined;
  const frame = context.frame(0);
  frame.kind = "CALL";
  frame.caller = state.accountAt(SYSTEM_ADDRESS);
  frame.self = account;
  frame.codeOwner = account;
  frame.code = account.code;
  frame.input = input;
  frame.gas = SYSTEM_CALL_GAS;
  frame.reserve = 0;
  frame.isStatic = false;
  frame.amount = 0n;
  frame.value.fill(0);
  context.origin = frame.caller;
  context.refund = 0;
  context.setGasPrice(0n);
  execute(context, frame);
  const { status, output } = frame;
  state.endTransaction();
  return { succeeded: status === STATUS.succeeded, output };
}

/**
 * What a block does before its transactions: keeps the parent beacon block root (EIP-4788, from Cancun) and the parent
 * hash (EIP-2935, from Prague), 32 bytes each, where their contracts are deployed.
 */
export function beginBlock(
  context: ExecutionContext,
  parentBeaconBlockRoot: Uint8Array | undefined,
  parentHash: Uint8Array,
): void {
  const { fork } = context.rules;
  if (fork >= FORK.cancun && parentBeaconBlockRoot !== undefined)
    systemCall(context, BEACON_ROOTS, parentBeaconBlockRoot);
  if (fork >= FORK.prague) systemCall(context, HISTORY, parentHash);
}

/** EIP-4895. Amount in gwei. */
export interface Withdrawal {
  readonly address: Uint8Array;
  readonly amountGwei: bigint;
}

const WEI_PER_GWEI = 1_000_000_000n;

/** Credits withdrawals after the transactions of a block (EIP-4895, from Shanghai). */
export function applyWithdrawals(context: ExecutionContext, withdrawals: readonly Withdrawal[]): void {
  const { state } = context;
  for (const { address, amountGwei } of withdrawals) {
    const account = state.accountAt(address);
    state.setBalance(account, account.balance + amountGwei * WEI_PER_GWEI);
  }
  state.endTransaction();
}

function requestContractFailed(type: number): CodedError {
  return new CodedError({
    code: "request-contract-failed",
    kind: "unprocessable",
    message: `the contract that queues requests of type ${type} has failed`,
  });
}

/**
 * Takes the execution-layer requests of the block (EIP-7685), each with its type byte in front: deposits (0, EIP-6110),
 * out of the `logs` of all its transactions, and what the contracts of withdrawals (1, EIP-7002) and consolidations (2,
 * EIP-7251) have queued. Empty ones are left out. Throws `invalid-deposit-event` and, unless the rules pass over failed
 * contracts, `request-contract-failed`, which make the block invalid. A chain may do without these contracts: where one
 * has no code, there is nothing of its type.
 */
export function takeRequests(
  context: ExecutionContext,
  logs: readonly LogEntry[] = [],
): readonly Uint8Array[] {
  const { fork, depositContract, failedRequests } = context.rules;
  if (fork < FORK.prague) return [];
  const requests: Uint8Array[] = [];
  const deposits = depositContract === undefined ? undefined : depositsIn(logs, depositContract);
  if (deposits !== undefined && deposits.length > 0) requests.push(concatBytes(Uint8Array.of(0), deposits));
  for (const [type, contract] of [
    [1, WITHDRAWAL_REQUESTS],
    [2, CONSOLIDATION_REQUESTS],
  ] as const) {
    const result = systemCall(context, contract, new Uint8Array(0));
    if (result === undefined) continue;
    if (!result.succeeded) {
      if (failedRequests === "invalid") throw requestContractFailed(type);
    } else if (result.output.length > 0) requests.push(concatBytes(Uint8Array.of(type), result.output));
  }
  return requests;
}
