/** Injection tokens of ports and of what is made by hand in the composition root. */
export const CLOCK = Symbol("Clock");
export const TRANSACTION_STORE = Symbol("TransactionStore");
export const TRANSACTION_FEED = Symbol("TransactionFeed");
export const INDEX_STORE = Symbol("IndexStore");
export const PROTOCOL_READER = Symbol("ProtocolReader");
export const FOLLOWER = Symbol("ChainFollower");
