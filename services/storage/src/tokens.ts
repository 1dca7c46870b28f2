/** Injection tokens of ports that more than the composition root needs. */
export const WRAPPING_KEY = Symbol("WRAPPING_KEY");
