/** Injection tokens of ports. */
export const CLOCK = Symbol("Clock");
export const MODEL_STORE = Symbol("ModelStore");
export const PURCHASE_STORE = Symbol("PurchaseStore");
