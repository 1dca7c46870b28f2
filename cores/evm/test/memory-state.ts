import { keccak_256 } from "@noble/hashes/sha3.js";
import type { BlockEnvironment } from "../src/context.js";
import type { StateReader } from "../src/state-reader.js";

export interface MemoryAccount {
  readonly balance?: bigint;
  readonly nonce?: bigint;
  readonly code?: Uint8Array;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A committed state without storage. */
export function memoryState(accounts: readonly (readonly [Uint8Array, MemoryAccount])[]): StateReader {
  const byAddress = new Map(accounts.map(([address, account]) => [hex(address), account]));
  const codes = new Map(
    accounts.map(([, { code = new Uint8Array(0) }]) => [hex(keccak_256(code)), code] as const),
  );
  return {
    account: (address) => {
      const account = byAddress.get(hex(address));
      if (account === undefined) return undefined;
      const { balance = 0n, nonce = 0n, code = new Uint8Array(0) } = account;
      return { balance, nonce, codeHash: keccak_256(code), hasStorage: false };
    },
    code: (hash) => codes.get(hex(hash)) ?? new Uint8Array(0),
    storage: () => new Uint8Array(0),
  };
}

export const addressOf = (last: number): Uint8Array => {
  const address = new Uint8Array(20).fill(0xaa);
  address[19] = last;
  return address;
};

export const BLOCK: BlockEnvironment = {
  number: 1,
  timestamp: 1_000,
  gasLimit: 1_000_000_000n,
  baseFeePerGas: 7n,
  blobBaseFee: 1n,
  coinbase: addressOf(0xcb),
  prevRandao: new Uint8Array(32),
  blockHash: () => undefined,
};
