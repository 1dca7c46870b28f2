import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccountState, StateChanges, StateView } from "./state.js";
import { EMPTY_ACCOUNT } from "./state-commitment.js";

/** What a call pretends about an account; `state` replaces all storage, `stateDiff` single slots. */
export interface StateOverride {
  readonly balance: bigint | undefined;
  readonly nonce: bigint | undefined;
  readonly code: Uint8Array | undefined;
  readonly state: ReadonlyMap<Bytes32, Uint8Array> | undefined;
  readonly stateDiff: ReadonlyMap<Bytes32, Uint8Array> | undefined;
  /** The precompiled contract of this address answers at that one instead; in simulations only. */
  readonly movePrecompileTo?: Address;
}

export type StateOverrides = ReadonlyMap<Address, StateOverride>;

/** The overrides as changes over `view`. */
export function overrideChanges(view: StateView, overrides: StateOverrides): StateChanges {
  const accounts = new Map<Address, AccountState>();
  const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
  const clearedStorage = new Set<Address>();
  const codes = new Map<Bytes32, Uint8Array>();
  for (const [owner, override] of overrides) {
    const { balance, nonce, code, state, stateDiff } = override;
    const isUntouched = [balance, nonce, code, state, stateDiff].every((field) => field === undefined);
    if (isUntouched) continue;
    const account = view.account(owner) ?? EMPTY_ACCOUNT;
    const codeHash = override.code === undefined ? account.codeHash : bytes32Of(keccak256(override.code));
    if (override.code !== undefined) codes.set(codeHash, override.code);
    accounts.set(owner, {
      ...account,
      codeHash,
      balance: override.balance ?? account.balance,
      nonce: override.nonce ?? account.nonce,
    });
    if (override.state !== undefined) clearedStorage.add(owner);
    const slots = override.state ?? override.stateDiff;
    if (slots !== undefined) storage.set(owner, slots);
  }
  return { accounts, storage, clearedStorage, codes };
}
