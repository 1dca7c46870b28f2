import { SeededRng } from "@aios/kernel/random";
import { x25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decryptContent, encryptContent } from "./content-encryption.js";
import { generateSealingKeyPair, openKey, sealKey } from "./sealed-key.js";

/** Constructions of the whitepapers that hide nothing or bind nothing, broken, and what is used instead. */
const gradients = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }).map(BigInt), {
  minLength: 2,
  maxLength: 12,
});

describe("sums 'encrypted' by multiplying with a Diffie-Hellman secret", () => {
  /** A group's order, as the secret would be reduced: of Curve25519. */
  const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
  const mod = (value: bigint): bigint => ((value % ORDER) + ORDER) % ORDER;
  const inverse = (value: bigint): bigint => {
    let [result, base, exponent] = [1n, mod(value), ORDER - 2n];
    for (; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) result = mod(result * base);
      base = mod(base * base);
    }
    return result;
  };
  const signed = (value: bigint): bigint => (value > ORDER / 2n ? value - ORDER : value);
  const secretOf = (rng: SeededRng): bigint => {
    const [mine, theirs] = [rng.bytes(32), rng.bytes(32)];
    const shared = x25519.getSharedSecret(mine, x25519.getPublicKey(theirs));
    return mod(BigInt(`0x${Buffer.from(shared).toString("hex")}`));
  };

  it("give every gradient to whoever knows one of them", () => {
    fc.assert(
      fc.property(fc.nat(), gradients, fc.nat(), (seed, values, at) => {
        const known = at % values.length;
        fc.pre(values[known] !== 0n);
        const secret = secretOf(new SeededRng(seed));
        const masked = values.map((value) => mod(value * secret));
        // The attacker sees `masked` and knows values[known], its own share or a public one.
        const found = mod((masked[known] as bigint) * inverse(values[known] as bigint));
        expect(masked.map((value) => signed(mod(value * inverse(found))))).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });

  it("show zeros, equal values and all proportions to whoever knows nothing", () => {
    const secret = secretOf(new SeededRng(3));
    const [zero, one, two, again] = [0n, 21n, 42n, 21n].map((value) => mod(value * secret)) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    expect(zero).toBe(0n);
    expect(again).toBe(one);
    expect(two).toBe(mod(2n * one));
  });

  it("while a sealed content shows none of that, and no other is made of it", () => {
    const rng = new SeededRng(5);
    const bytesOf = (values: readonly number[]): Uint8Array =>
      new Uint8Array(Float64Array.from(values).buffer);
    const key = rng.bytes(32);
    const plain = bytesOf([0, 0, 21, 42]);
    const [first, second] = [encryptContent(key, plain, rng), encryptContent(key, plain, rng)];
    expect(Buffer.from(first).equals(second)).toBe(false);
    const body = first.subarray(17);
    expect(Buffer.from(body.subarray(0, 8)).equals(body.subarray(8, 16))).toBe(false);
    const doubled = Uint8Array.from(first, (byte, index) => (index < 17 ? byte : (byte * 2) & 0xff));
    expect(() => decryptContent(key, doubled)).toThrow(
      expect.objectContaining({ code: "content-not-decrypted" }),
    );
  });
});

describe("ECIES for a mempool, without binding to sender or order", () => {
  /** Textbook hybrid encryption: a fresh key's secret, hashed, as a stream over the transaction. */
  const stream = (shared: Uint8Array, length: number): Uint8Array =>
    concatBytes(
      ...Array.from({ length: Math.ceil(length / 32) }, (_, block) =>
        sha256(concatBytes(shared, Uint8Array.of(block))),
      ),
    ).subarray(0, length);
  const mask = (bytes: Uint8Array, by: Uint8Array): Uint8Array =>
    bytes.map((byte, index) => byte ^ (by[index] as number));
  const rng = new SeededRng(11);
  const committee = generateSealingKeyPair(rng);
  const encrypt = (plain: Uint8Array) => {
    const ephemeral = rng.bytes(32);
    const shared = x25519.getSharedSecret(ephemeral, committee.publicKey);
    return { from: x25519.getPublicKey(ephemeral), body: mask(plain, stream(shared, plain.length)) };
  };
  const decrypt = ({ from, body }: ReturnType<typeof encrypt>): Uint8Array =>
    mask(body, stream(x25519.getSharedSecret(committee.privateKey, from), body.length));
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);

  it("lets whoever forwards a transaction change it without opening it", () => {
    const sent = encrypt(text("pay bob   100"));
    const change = mask(text("pay bob   100"), text("pay bob   900"));
    const altered = { ...sent, body: mask(sent.body, change) };
    expect(new TextDecoder().decode(decrypt(altered))).toBe("pay bob   900");
  });

  it("lets anybody put a copy before it, which opens as the same bid", () => {
    const sent = encrypt(text("bid 100 for lot 7"));
    const queue = [
      { sender: "front-runner", order: 0, sealed: sent },
      { sender: "alice", order: 1, sealed: sent },
    ];
    expect(queue.map(({ sealed }) => new TextDecoder().decode(decrypt(sealed)))).toEqual([
      "bid 100 for lot 7",
      "bid 100 for lot 7",
    ]);
  });

  it("while what is sealed here opens unchanged, for the sender and place it was sealed for, or not at all", () => {
    const key = rng.bytes(32);
    const sealed = sealKey(key, committee.publicKey, "order:alice:7:0x5e", rng);
    expect(openKey(sealed, committee.privateKey, "order:alice:7:0x5e")).toEqual(key);
    for (const elsewhere of ["order:mallory:7:0x5e", "order:alice:6:0x5e", "order:alice:7:0x5f"])
      expect(() => openKey(sealed, committee.privateKey, elsewhere)).toThrow(/does not open/);
    for (let index = 0; index < sealed.ciphertext.length; index++) {
      const ciphertext = sealed.ciphertext.map((byte, at) => (at === index ? byte ^ 8 : byte));
      expect(() => openKey({ ...sealed, ciphertext }, committee.privateKey, "order:alice:7:0x5e")).toThrow(
        /does not open/,
      );
    }
  });
});
