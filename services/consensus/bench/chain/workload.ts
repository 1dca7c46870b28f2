import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, bytesToBigint, concat, fromHex, toHex, word } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { addressOfPublicKey } from "@aios/core-transactions/sender";
import { pointFromScalar, signRecoverable } from "tiny-secp256k1";

export const CHAIN_ID = 26_070;
/** A token whose balances are a mapping in slot 0, placed in genesis with a balance for every sender. */
export const TOKEN = `0x${"7c".repeat(20)}`;
const TRANSFER_SELECTOR = fromHex("0xa9059cbb");
const BALANCE_SELECTOR = fromHex("0x70a08231");
const FEE_CAP = 100_000_000_000n;

export type Kind = "native" | "erc20";

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

/** Where the token keeps an address's balance. */
export function balanceSlot(address: string): string {
  return toHex(keccak256(concat(new Uint8Array(12), fromHex(address), new Uint8Array(32))));
}

/** The question for what an address has of the token. */
export function balanceCall(address: string): { readonly to: string; readonly data: string } {
  return { to: TOKEN, data: toHex(concat(BALANCE_SELECTOR, new Uint8Array(12), fromHex(address))) };
}

function sign(sender: Sender, nonce: number, kind: Kind, recipient: string): string {
  const isNative = kind === "native";
  const data = isNative
    ? new Uint8Array(0)
    : concat(TRANSFER_SELECTOR, new Uint8Array(12), fromHex(recipient), word(1n));
  const fields = [
    bigintToBytes(BigInt(CHAIN_ID)),
    bigintToBytes(BigInt(nonce)),
    bigintToBytes(1n),
    bigintToBytes(FEE_CAP),
    bigintToBytes(isNative ? 21_000n : 70_000n),
    fromHex(isNative ? recipient : TOKEN),
    bigintToBytes(isNative ? 1n : 0n),
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
