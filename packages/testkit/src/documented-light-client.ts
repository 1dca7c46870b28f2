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

interface Known {
  readonly set: SetJson;
  readonly fromHeight: number;
}

/** Follows hand-overs from a set that it trusts, and says which state a certificate attests. */
export class DocumentedLightClient {
  readonly #chain: string;
  readonly #known: Known[];

  constructor(signingChainId: string, genesisSet: SetJson) {
    this.#chain = signingChainId;
    this.#known = [{ set: genesisSet, fromHeight: 1 }];
  }

  /** Number of the latest set that it knows. */
  get latest(): number {
    return Number(this.#last.set.number);
  }

  follow(handOver: CertifiedJson): void {
    const { checkpoint, nextSet } = handOver;
    const { set, fromHeight } = this.#last;
    if (nextSet === null) throw new Error("no next set");
    if (Number(nextSet.number) !== Number(set.number) + 1) throw new Error("not the next number");
    if (idOfSet(nextSet) !== checkpoint["nextSetId"]) throw new Error("another set than is named");
    if (heightOf(handOver) < fromHeight) throw new Error("too old");
    this.#verify(set, handOver);
    this.#known.push({ set: nextSet, fromHeight: heightOf(handOver) + 1 });
  }

  /** The state root after the block before the certificate's height. */
  attestedRoot(certified: CertifiedJson): string {
    const height = heightOf(certified);
    const known = this.#known.findLast(({ fromHeight }) => fromHeight <= height);
    if (known === undefined) throw new Error("before the first set");
    this.#verify(known.set, certified);
    return certified.checkpoint["attestedRoot"] ?? "";
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
