/** Injection tokens of ports and of what is made by hand in the composition root. */
export const CLOCK = Symbol("Clock");
export const JOB_STORE = Symbol("JobStore");
export const PROVIDER_STORE = Symbol("ProviderStore");
export const PROVIDER_LINKS = Symbol("ProviderLinks");
export const CHAIN_WRITER = Symbol("ChainWriter");
export const LINK_SETTINGS = Symbol("LinkSettings");
export const LINK_IDENTITY = Symbol("LinkIdentity");
