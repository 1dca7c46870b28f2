import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, bytesToBigint, concat, fromHex, toHex, word } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { addressOfPublicKey } from "@aios/core-transactions/sender";
import { pointFromScalar, signRecoverable } from "tiny-secp256k1";

export const CHAIN_ID = 26_070;
/** A token whose balances are a mapping in slot 0, placed in genesis with a balance for every sender. */
export const TOKEN = `0x${"7c".repeat(20)}`;
/** The second token of the pair. */
export const OTHER_TOKEN = `0x${"7d".repeat(20)}`;
export const PAIR = `0x${"7e".repeat(20)}`;
export const COLLECTIBLE = `0x${"7f".repeat(20)}`;
const selector = (signature: string): Uint8Array =>
  keccak256(new TextEncoder().encode(signature)).slice(0, 4);
const TRANSFER = selector("transfer(address,uint256)");
const BALANCE_OF = selector("balanceOf(address)");
const SWAP = selector("swap(bool,uint256)");
const MINT = selector("mint()");
/** Far below the reserves, so that prices hardly move. */
const SWAPPED = 10n ** 6n;
const FEE_CAP = 100_000_000_000n;

export type Kind = "native" | "erc20" | "swap" | "mint";

export interface Sender {
  readonly key: Uint8Array;
  readonly address: string;
}

/** The same keys in every run. */
export function makeSenders(count: number): Sender[] {
  return Array.from({ length: count }, (_, index) => {
    const key = keccak256(new TextEncoder().encode(`bench sender ${index}`));
    const point = pointFromScalar(key, false);
    if (point === null) throw new Error("the key gives no point");
    return { key, address: addressOfPublicKey(point.subarray(1)) };
  });
}

/** Account `index` of those that exist from the start. */
export function recipientOf(index: number): string {
  return toHex(keccak256(new TextEncoder().encode(`bench account ${index}`)).subarray(12));
}

export function slotOf(index: number): string {
  return toHex(word(BigInt(index)));
}

/** Where Solidity keeps the entry of a mapping that is at `slot`. */
function mappingSlot(address: string, slot: Uint8Array): Uint8Array {
  return keccak256(concat(new Uint8Array(12), fromHex(address), slot));
}

/** Where a token keeps an address's balance. */
export function balanceSlot(address: string): string {
  return toHex(mappingSlot(address, word(0n)));
}

/** Where a token keeps what `spender` may take from `owner`. */
export function allowanceSlot(owner: string, spender: string): string {
  return toHex(mappingSlot(spender, mappingSlot(owner, word(1n))));
}

/** The question for what an address has of the token. */
export function balanceCall(address: string): { readonly to: string; readonly data: string } {
  return { to: TOKEN, data: toHex(concat(BALANCE_OF, new Uint8Array(12), fromHex(address))) };
}

interface Message {
  readonly to: string;
  readonly gas: bigint;
  readonly value: bigint;
  readonly data: Uint8Array;
}

const NO_DATA = new Uint8Array(0);

function messageOf(kind: Kind, nonce: number, recipient: string): Message {
  switch (kind) {
    case "native":
      return { to: recipient, gas: 21_000n, value: 1n, data: NO_DATA };
    case "erc20": {
      const data = concat(TRANSFER, new Uint8Array(12), fromHex(recipient), word(1n));
      return { to: TOKEN, gas: 70_000n, value: 0n, data };
    }
    case "swap": {
      // To and fro, so that the price stays.
      const data = concat(SWAP, word(BigInt(nonce % 2)), word(SWAPPED));
      return { to: PAIR, gas: 250_000n, value: 0n, data };
    }
    case "mint":
      return { to: COLLECTIBLE, gas: 120_000n, value: 0n, data: MINT };
  }
}

function sign(sender: Sender, nonce: number, kind: Kind, recipient: string): string {
  const { to, gas, value, data } = messageOf(kind, nonce, recipient);
  const fields = [
    bigintToBytes(BigInt(CHAIN_ID)),
    bigintToBytes(BigInt(nonce)),
    bigintToBytes(1n),
    bigintToBytes(FEE_CAP),
    bigintToBytes(gas),
    fromHex(to),
    bigintToBytes(value),
    data,
    [],
  ];
  const digest = keccak256(concat(Uint8Array.of(2), encodeRlp(fields)));
  const { signature, recoveryId } = signRecoverable(digest, sender.key);
  const parts = [signature.subarray(0, 32), signature.subarray(32)].map((part) =>
    bigintToBytes(bytesToBigint(part)),
  );
  const signed = encodeRlp([...fields, bigintToBytes(BigInt(recoveryId)), ...parts]);
  return toHex(concat(Uint8Array.of(2), signed));
}

export interface SignedLoad {
  /** JSON-RPC batches, ready to be sent. */
  readonly bodies: readonly string[];
  readonly sizes: readonly number[];
  readonly count: number;
}

/** Transfers from all senders in turn, nonces from `firstNonce`, to accounts spread over all that exist. */
export function signLoad(
  senders: readonly Sender[],
  options: {
    readonly kind: Kind;
    readonly perSender: number;
    readonly firstNonce: number;
    readonly accounts: number;
    readonly batch: number;
  },
): SignedLoad {
  const requests: string[] = [];
  for (let round = 0; round < options.perSender; round++) {
    for (const [index, sender] of senders.entries()) {
      const recipient = recipientOf((round * senders.length + index * 7_919) % options.accounts);
      const raw = sign(sender, options.firstNonce + round, options.kind, recipient);
      requests.push(
        `{"jsonrpc":"2.0","id":${requests.length},"method":"eth_sendRawTransaction","params":["${raw}"]}`,
      );
    }
  }
  const bodies: string[] = [];
  const sizes: number[] = [];
  for (let at = 0; at < requests.length; at += options.batch) {
    const slice = requests.slice(at, at + options.batch);
    bodies.push(`[${slice.join(",")}]`);
    sizes.push(slice.length);
  }
  return { bodies, sizes, count: requests.length };
}
