import { createHash } from "node:crypto";
import { bls12_381 } from "@noble/curves/bls12-381.js";

// Written from docs/light-client.md alone: it shares no code with the node.

const DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const bls = bls12_381.longSignatures;

export interface SetJson {
  readonly signingChainId?: string;
  readonly number: string;
  readonly members: readonly { readonly account: string; readonly publicKey: string }[];
}

export interface CertifiedJson {
  readonly checkpoint: Readonly<Record<string, string>>;
  readonly certificate: { readonly round: string; readonly signers: string; readonly signature: string };
  readonly nextSet: SetJson | null;
}

/** What the client needs of a genesis file. */
export interface GenesisJson {
  readonly chainId: number;
  readonly honor: {
    readonly members: SetJson["members"];
    readonly stakingContract: string;
    readonly genesisTimeMs: number;
    readonly tickMs?: number;
  };
  readonly alloc: Readonly<Record<string, { readonly storage?: Readonly<Record<string, string>> }>>;
}

interface Known {
  readonly set: SetJson;
  readonly fromHeight: number;
  readonly fromTick: number;
}

const CHAIN_DIGEST_SLOT = `0x${"1".padStart(64, "0")}`;
const TRUSTED_MS = 20 * 24 * 3_600_000;
const USUAL_TICK_MS = 1_500;

/** Follows hand-overs from a set that it trusts, and says which state a certificate attests. */
export class DocumentedLightClient {
  readonly #chain: string;
  readonly #genesisTimeMs: number;
  readonly #tickMs: number;
  readonly #known: Known[];
  /** The latest tick at which the last set was seen at work. */
  #seenTick = 0;

  /** Trusts the genesis file of a chain with a staking contract, and nothing that a node says. */
  constructor({ chainId, honor, alloc }: GenesisJson) {
    const digest = alloc[honor.stakingContract]?.storage?.[CHAIN_DIGEST_SLOT] ?? "";
    this.#chain = `aios:${chainId}:${digest.slice(2)}`;
    this.#genesisTimeMs = honor.genesisTimeMs;
    this.#tickMs = honor.tickMs ?? USUAL_TICK_MS;
    this.#known = [{ set: { number: "0x0", members: honor.members }, fromHeight: 1, fromTick: 0 }];
  }

  /** Number of the latest set that it knows. */
  get latest(): number {
    return Number(this.#last.set.number);
  }

  follow(handOver: CertifiedJson, nowMs: number): void {
    const { checkpoint, nextSet } = handOver;
    const { set, fromHeight, fromTick } = this.#last;
    const tick = Number(checkpoint["tick"]);
    this.#requireTrust(nowMs);
    if (nextSet === null) throw new Error("no next set");
    if (Number(nextSet.number) !== Number(set.number) + 1) throw new Error("not the next number");
    if (idOfSet(nextSet) !== checkpoint["nextSetId"]) throw new Error("another set than is named");
    requireSet(nextSet);
    if (heightOf(handOver) < fromHeight || tick < fromTick) throw new Error("too old");
    this.#verify(set, handOver);
    this.#known.push({ set: nextSet, fromHeight: heightOf(handOver) + 1, fromTick: tick });
    this.#seenTick = tick;
  }

  /** The state root after the block before the certificate's height. */
  attestedRoot(certified: CertifiedJson, nowMs: number): string {
    const height = heightOf(certified);
    const at = this.#known.findLastIndex(({ fromHeight }) => fromHeight <= height);
    const known = this.#known[at];
    if (known === undefined) throw new Error("before the first set");
    const isLast = at === this.#known.length - 1;
    if (isLast) this.#requireTrust(nowMs);
    this.#verify(known.set, certified);
    const { nextSetId, tick, attestedRoot = "" } = certified.checkpoint;
    const sets = this.#known.slice(at, at + 2).map(({ set }) => idOfSet(set));
    if (!sets.includes(nextSetId ?? "")) throw new Error("it hands over to a set that was not followed");
    if (isLast) this.#seenTick = Math.max(this.#seenTick, Number(tick));
    return attestedRoot;
  }

  #requireTrust(nowMs: number): void {
    if (nowMs - (this.#genesisTimeMs + this.#seenTick * this.#tickMs) > TRUSTED_MS)
      throw new Error("the set was not seen at work for too long");
  }

  get #last(): Known {
    return this.#known.at(-1) as Known;
  }

  #verify(set: SetJson, { checkpoint, certificate }: CertifiedJson): void {
    const signers = bytesOf(certificate.signers);
    const size = set.members.length;
    if (signers.length !== Math.ceil(size / 8)) throw new Error("another set's signers");
    const signed = (seat: number): boolean => (((signers[seat >> 3] ?? 0) >> (seat & 7)) & 1) === 1;
    for (let bit = size; bit < signers.length * 8; bit++)
      if (signed(bit)) throw new Error("a signer outside the set");
    const keys = set.members.filter((_, seat) => signed(seat));
    if (keys.length < Math.floor((2 * size) / 3) + 1) throw new Error("no quorum");
    const content = [this.#chain, "precommit", Number(checkpoint["height"]), Number(certificate.round)];
    const bytes = new TextEncoder().encode(
      `aios.finality.v1\n${JSON.stringify([...content, idOfCheckpoint(checkpoint)])}`,
    );
    const points = keys.map(({ publicKey }) => bls12_381.G1.Point.fromHex(publicKey.slice(2)));
    const sum = bls.aggregatePublicKeys(points);
    const signature = bytesOf(certificate.signature);
    if (!bls.verify(signature, bls.hash(bytes, DOMAIN), sum)) throw new Error("not their signature");
  }
}

function requireSet({ members }: SetJson): void {
  const size = members.length;
  if (size !== 4 && (size < 6 || size % 3 !== 0)) throw new Error("no set has so many members");
  const distinct = new Set(members.flatMap(({ account, publicKey }) => [account, publicKey]));
  if (distinct.size !== 2 * size) throw new Error("somebody sits twice");
}

function heightOf({ checkpoint }: CertifiedJson): number {
  return Number(checkpoint["height"]);
}

function idOfSet({ number, members }: SetJson): string {
  const pairs = members.map(({ account, publicKey }) => [account, publicKey.slice(2)]);
  return hash(`aios.honor-set.v1\n${JSON.stringify([Number(number), pairs])}`);
}

function idOfCheckpoint(fields: CertifiedJson["checkpoint"]): string {
  const { height, parentId, parentRound, tip, tick, attestedRoot, nextSetId, attestedDag } = fields;
  return hash(
    `aios.checkpoint.v1\n${JSON.stringify([
      Number(height),
      parentId,
      Number(parentRound),
      tip,
      Number(tick),
      attestedRoot?.slice(2),
      nextSetId,
      ...(attestedDag === undefined ? [] : [attestedDag]),
    ])}`,
  );
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
}
