export const MODEL_KEY_STORE = Symbol("model-key-store");
export const PROOF_STORE = Symbol("proof-store");
export const CLOCK = Symbol("clock");
