import { addressOf, fromHex } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import type { Common } from "@ethereumjs/common";
import { createTxFromRLP, isEOACode7702Tx, type TypedTransaction } from "@ethereumjs/tx";
import { Address as EvmAddress, eoaCode7702RecoverAuthority } from "@ethereumjs/util";
import type { SignedTransaction } from "../../domain/transaction.js";

/** The library's form of a transaction; its sender is the one that is known already. */
export function typedTransaction(transaction: SignedTransaction, common: Common): TypedTransaction {
  const out = createTxFromRLP(transaction.raw, { common, freeze: false });
  const sender = new EvmAddress(fromHex(transaction.sender));
  out.getSenderAddress = () => sender;
  return out;
}

/** Who signed the authorizations (EIP-7702); those that nobody signed are left out. */
export function authoritiesOf(transaction: TypedTransaction): Address[] {
  if (!isEOACode7702Tx(transaction)) return [];
  return transaction.authorizationList.flatMap((item) => {
    try {
      return [addressOf(eoaCode7702RecoverAuthority(item).bytes)];
    } catch {
      return [];
    }
  });
}
