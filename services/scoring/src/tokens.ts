/** Injection tokens of ports. */
export const RECEIPT_STORE = Symbol("ReceiptStore");
