import { fromHex } from "@aios/core-rlp/hex";
import type { Common } from "@ethereumjs/common";
import { createTxFromRLP, type TypedTransaction } from "@ethereumjs/tx";
import { Address as EvmAddress } from "@ethereumjs/util";
import type { SignedTransaction } from "../../domain/transaction.js";

/** The library's form of a transaction; its sender is the one that is known already. */
export function typedTransaction(transaction: SignedTransaction, common: Common): TypedTransaction {
  const out = createTxFromRLP(transaction.raw, { common, freeze: false });
  const sender = new EvmAddress(fromHex(transaction.sender));
  out.getSenderAddress = () => sender;
  return out;
}
