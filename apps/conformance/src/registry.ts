import type { Suite } from "./suite.js";

/** Suites by name, loaded on demand: no suite pays for the engines of the others. */
const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
  ghostdag: async () => (await import("./suites/ghostdag.js")).ghostdagSuite,
  openrpc: async () => (await import("./suites/openrpc.js")).openrpcSuite,
  reachability: async () => (await import("./suites/reachability.js")).reachabilitySuite,
  rlp: async () => (await import("./suites/rlp.js")).rlpSuite,
  rpc: async () => (await import("./suites/rpc.js")).rpcSuite,
  state: async () => (await import("./suites/state.js")).stateSuite,
  trie: async () => (await import("./suites/trie.js")).trieSuite,
  tx: async () => (await import("./suites/tx.js")).txSuite,
};

export const suiteNames = (): readonly string[] => Object.keys(SUITES).sort();

export async function loadSuite(name: string): Promise<Suite | undefined> {
  return Object.hasOwn(SUITES, name) ? SUITES[name]?.() : undefined;
}
