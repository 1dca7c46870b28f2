import type { ExecutionContext } from "./context.js";
import { STATUS } from "./frame.js";
import { FORK } from "./hardfork.js";
import { execute } from "./interpreter.js";

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

/** Calls a contract as the system does: no fee, no nonce. `undefined` where there is no code or the call failed. */
function systemCall(
  context: ExecutionContext,
  target: Uint8Array,
  input: Uint8Array,
): Uint8Array | undefined {
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
  return status === STATUS.succeeded ? output : undefined;
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

/**
 * Takes the execution-layer requests that the block's contracts have queued (EIP-7685): withdrawals (EIP-7002) and
 * consolidations (EIP-7251), each with its type byte in front; empty ones are left out. Deposits (EIP-6110) are logs.
 */
export function takeRequests(context: ExecutionContext): readonly Uint8Array[] {
  if (context.rules.fork < FORK.prague) return [];
  const requests: Uint8Array[] = [];
  for (const [type, contract] of [
    [1, WITHDRAWAL_REQUESTS],
    [2, CONSOLIDATION_REQUESTS],
  ] as const) {
    const data = systemCall(context, contract, new Uint8Array(0));
    if (data !== undefined && data.length > 0) requests.push(Uint8Array.of(type, ...data));
  }
  return requests;
}
