/** Injection tokens of ports. */
export const CLOCK = Symbol("Clock");
export const CAPABILITY_READER = Symbol("CapabilityReader");
export const MODEL_STORE = Symbol("ModelStore");
export const PURCHASE_STORE = Symbol("PurchaseStore");
