import { concat, fromHex, word } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import { utf8ToBytes } from "@noble/hashes/utils";

/** For whom and where a key shows that its secret is known: of use to no other account, chain or contract. */
export interface StakingBinding {
  readonly account: Address;
  readonly chainId: bigint;
  readonly contract: Address;
}

/** A voting key whose secret is at hand. */
export interface SeatKey {
  /** 48 bytes. */
  readonly publicKey: Uint8Array;
  /** Shows that the secret is known; 96 bytes. `context`: as `possessionContext` gives it. */
  provePossession(context: Uint8Array): Uint8Array;
}

/** A node's name among peers, whose secret is at hand. */
export interface NodeName {
  /** Ed25519, 64 hex digits. */
  readonly nodeKey: string;
  /** 64 bytes. */
  sign(statement: Uint8Array): Uint8Array;
}

const NODE_KEY_DOMAIN = utf8ToBytes("aios-node-key:");

/** What follows the key in what `HonorStaking` takes for a proof of possession: account, chain id (32 bytes), contract. */
export function possessionContext({ account, chainId, contract }: StakingBinding): Uint8Array {
  return concat(fromHex(account), word(chainId), fromHex(contract));
}

/** What a node key signs so that peers believe that the account's operator holds it. */
export function nodeKeyStatement(binding: StakingBinding): Uint8Array {
  return concat(NODE_KEY_DOMAIN, possessionContext(binding));
}
