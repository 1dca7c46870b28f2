import { isDelegation } from "./code.js";
import type { ExecutionContext } from "./context.js";
import { GAS, LIMITS } from "./gas.js";
import type { EvmAuthorization } from "./transaction.js";

const DESIGNATOR = Uint8Array.of(0xef, 0x01, 0x00);

function designatorOf(address: Uint8Array): Uint8Array {
  if (address.every((byte) => byte === 0)) return new Uint8Array(0);
  const out = new Uint8Array(23);
  out.set(DESIGNATOR);
  out.set(address, 3);
  return out;
}

function apply(context: ExecutionContext, { chainId, address, nonce, authority }: EvmAuthorization): void {
  const { state, rules } = context;
  if (chainId !== 0n && chainId !== rules.chainId) return;
  if (nonce >= LIMITS.nonce || authority === undefined) return;
  const account = state.accountAt(authority);
  context.warm(account);
  if (account.code.length > 0 && !isDelegation(account.code.bytes)) return;
  if (account.nonce !== nonce) return;
  if (!account.absent || !account.isEmpty) context.refund += GAS.authorizationRefund;
  state.setCode(account, designatorOf(address));
  state.setNonce(account, nonce + 1n);
}

/** EIP-7702: sets the delegations of a type 4 transaction; tuples that are not valid are passed over. */
export function applyAuthorizations(
  context: ExecutionContext,
  authorizations: readonly EvmAuthorization[],
): void {
  for (const authorization of authorizations) apply(context, authorization);
}
