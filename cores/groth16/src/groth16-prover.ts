import { type R1cs, unsatisfiedError, type Witness } from "@aios/core-zkml/r1cs";
import { CodedError } from "@aios/kernel/coded-error";
import { circuitDigest, encodeCircuit, encodeScalars } from "./circuit-encoding.js";
import { deriveScalars } from "./derived-scalars.js";
import { concatBytes, G1_BYTES, type KeyPoints, splitKeyPoints } from "./key-points.js";
import type { Proof, VerifyingKey } from "./points.js";
import { decodeProof } from "./proof-encoding.js";
import type { ProverRequest } from "./prover-messages.js";
import { type CallOptions, ProverThreadPort, proverBusy } from "./prover-thread-port.js";
import { decodeProvingKey, encodeProvingKey, provingKeyHash } from "./proving-key.js";
import { decodeVerifyingKey } from "./verifying-key.js";
import { fixedPoints, type Range, sharePoints, type WorkShare, workShares } from "./work-shares.js";

export interface SetUpResult {
  /** See `encodeProvingKey`. */
  readonly provingKey: Uint8Array;
  /** SHA-256 of `provingKey`, to be pinned. */
  readonly provingKeyHash: Uint8Array;
  readonly verifyingKey: VerifyingKey;
}

/** A key that lies ready in the prover's threads. Useless once one of them has ended; see `isLoaded`. */
export interface LoadedKey {
  readonly r1cs: R1cs;
  readonly verifyingKey: VerifyingKey;
  readonly fixedPoints: Uint8Array;
  /** One a thread. */
  readonly shares: readonly LoadedShare[];
}

interface LoadedShare {
  readonly share: WorkShare;
  readonly threadKey: string;
  readonly generation: number;
}

const TRAPDOOR = ["tau", "alpha", "beta", "gamma", "delta"];
const BLINDING = ["r", "s"];

/** Of a proof's time, what ends with the quotient and the sums over the witness; about, at any size. */
const WITNESS_SHARE = 0.55;
const SCALAR_BYTES = 32;
const MAX_THREADS = 64;

function scalarsOf(encoded: Uint8Array, { from, to }: Range, offset = 0): Uint8Array<ArrayBuffer> {
  return encoded.slice(
    (offset + from) * SCALAR_BYTES,
    (offset + to) * SCALAR_BYTES,
  ) as Uint8Array<ArrayBuffer>;
}

/**
 * Groth16 over BN254 in `threads` worker threads, each with its share of every key's points: the first computes the
 * quotient while the others sum over the witness, then all sum over the quotient. Calls are answered in order, at most
 * `maxPending` wait, and a caller's signal ends the threads whatever they are doing. Time limits and all randomness come
 * from the caller. Loaded keys stay in the threads, so that proving again costs only the proof.
 */
export class Groth16Prover {
  readonly #ports: readonly ProverThreadPort[];
  readonly #first: ProverThreadPort;
  readonly #maxPending: number;
  readonly #held = new Set<LoadedKey>();
  #underWay = 0;

  constructor(options: { readonly maxPending?: number; readonly threads?: number } = {}) {
    const threads = Math.max(1, Math.min(MAX_THREADS, Math.floor(options.threads ?? 1)));
    this.#maxPending = options.maxPending ?? 64;
    // One call from outside has at most two under way in a thread.
    const newPort = (): ProverThreadPort => new ProverThreadPort(2 * this.#maxPending);
    this.#first = newPort();
    const others = Array.from({ length: threads - 1 }, newPort);
    this.#ports = [this.#first, ...others];
  }

  /**
   * Keys for a circuit from a trapdoor derived from `trapdoorSeed` (32 random bytes or more). Whoever knows the seed
   * can forge proofs for this key: it is for development, or for a prover that verifiers trust anyway, and is to be
   * labelled with `DEVELOPMENT_TRUST`. Throws `seed-too-short`, `prover-refused`, `prover-stopped`, `prover-busy`.
   */
  async developmentSetup(
    r1cs: R1cs,
    trapdoorSeed: Uint8Array,
    options: CallOptions = {},
  ): Promise<SetUpResult> {
    const circuit = encodeCircuit(r1cs);
    const digest = circuitDigest(circuit);
    const trapdoor = encodeScalars(deriveScalars(trapdoorSeed, TRAPDOOR));
    const result = await this.#admit(() =>
      this.#first.call({ kind: "development-setup", circuit, trapdoor }, [circuit.buffer], options),
    );
    if (result.kind !== "set-up") throw unexpected();
    const verifyingKey = decodeVerifyingKey(result.verifyingKey);
    const provingKey = encodeProvingKey({ circuitDigest: digest, verifyingKey, points: result.points });
    return { provingKey, provingKeyHash: provingKeyHash(provingKey), verifyingKey };
  }

  /**
   * Takes a key into the thread. `pinnedHash` is the `provingKeyHash` kept since set-up. Throws `proving-key-altered`,
   * `malformed-proving-key`, `proving-key-mismatch` when it was made for other constraints.
   */
  async load(
    provingKey: Uint8Array,
    pinnedHash: Uint8Array,
    r1cs: R1cs,
    options: CallOptions = {},
  ): Promise<LoadedKey> {
    const key = decodeProvingKey(provingKey, pinnedHash);
    const circuit = encodeCircuit(r1cs);
    const digest = circuitDigest(circuit);
    if (!digest.every((byte, index) => byte === key.circuitDigest[index])) {
      throw new CodedError({
        code: "proving-key-mismatch",
        kind: "invalid",
        message: "The proving key was made for another circuit.",
      });
    }
    const points = splitKeyPoints(key.points);
    assertFits(points, r1cs);
    const load = () => this.#loadShares(r1cs, points, circuit, options);
    const shares = await this.#admit(load);
    const loaded = { r1cs, verifyingKey: key.verifyingKey, fixedPoints: fixedPoints(points), shares };
    this.#held.add(loaded);
    return loaded;
  }

  async #loadShares(
    r1cs: R1cs,
    points: KeyPoints,
    circuit: Uint8Array<ArrayBuffer>,
    options: CallOptions,
  ): Promise<LoadedShare[]> {
    await this.#forgetStale();
    const shares = workShares(
      {
        variables: r1cs.variables,
        privates: r1cs.variables - r1cs.publicInputs - 1,
        quotient: points.quotientQuery.length / G1_BYTES,
      },
      this.#ports.length,
    );
    return Promise.all(
      this.#ports.map(async (port, thread): Promise<LoadedShare> => {
        const share = shares[thread] as WorkShare;
        const own = sharePoints(points, share);
        const forQuotient = thread === 0 ? circuit : undefined;
        const moved = [...own.g1, own.g2, ...(forQuotient === undefined ? [] : [forQuotient])];
        const { constraints } = r1cs;
        const result = await port.call(
          { kind: "load", circuit: forQuotient, constraints, points: own },
          moved.map(({ buffer }) => buffer),
          options,
        );
        if (result.kind !== "loaded") throw unexpected();
        return { share, threadKey: result.key, generation: port.generation };
      }),
    );
  }

  /** Frees what other threads still hold of keys that lost a thread. */
  async #forgetStale(): Promise<void> {
    const stale = [...this.#held].filter((key) => !this.isLoaded(key));
    await Promise.all(stale.map((key) => this.unload(key)));
  }

  /** Throws `prover-busy` beyond `maxPending` calls. */
  async #admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#maxPending) throw proverBusy();
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#underWay--;
    }
  }

  isLoaded(key: LoadedKey): boolean {
    return (
      key.shares.length === this.#ports.length &&
      key.shares.every(({ generation }, thread) => generation === this.#ports[thread]?.generation)
    );
  }

  /**
   * A proof that the witness satisfies the key's circuit, blinded by `randomness` (32 fresh random bytes or more; the
   * same bytes for two witnesses would leak). Refuses first, with the name of the broken constraint, if it does not. Says
   * its progress after the sums over the witness, and before the proof is put together.
   * Throws `unsatisfied-witness`, `seed-too-short`, `key-not-loaded`, `prover-stopped`, `prover-busy`.
   */
  async prove(
    key: LoadedKey,
    witness: Witness,
    randomness: Uint8Array,
    options: CallOptions = {},
  ): Promise<Proof> {
    if (!this.isLoaded(key)) {
      throw new CodedError({
        code: "key-not-loaded",
        kind: "unavailable",
        message: "The proving key has to be loaded again.",
      });
    }
    const encoded = encodeScalars(witness);
    const blinding = encodeScalars(deriveScalars(randomness, BLINDING));
    const { signal, onProgress } = options;
    const own = signal === undefined ? {} : { signal };
    return this.#admit(() => this.#proveLoaded(key, encoded, blinding, own, onProgress));
  }

  async #proveLoaded(
    key: LoadedKey,
    encoded: Uint8Array,
    blinding: Uint8Array<ArrayBuffer>,
    options: CallOptions,
    onProgress: CallOptions["onProgress"],
  ): Promise<Proof> {
    const firstPrivate = key.r1cs.publicInputs + 1;
    const [quotient, witnessSums] = await settled(
      this.#quotient(key, encoded.slice() as Uint8Array<ArrayBuffer>, options),
      this.#onEach(key, options, (share, threadKey) => ({
        kind: "sum-witness",
        key: threadKey,
        variables: scalarsOf(encoded, share.variables),
        privates: scalarsOf(encoded, share.privates, firstPrivate),
      })),
    );
    onProgress?.(WITNESS_SHARE);
    const quotientSums = await this.#onEach(key, options, (share, threadKey) => ({
      kind: "sum-quotient",
      key: threadKey,
      coefficients: scalarsOf(quotient, share.quotient),
    }));
    onProgress?.(1);
    const sums = witnessSums.flatMap(([a, b, privates, bG2], thread) => [
      ...[a, b, privates, quotientSums[thread]?.[0]],
      bG2,
    ]);
    const points = concatBytes(key.fixedPoints, ...(sums as Uint8Array[]));
    const [proof] = await this.#bytes(this.#first, { kind: "assemble", points, blinding }, options);
    return decodeProof(proof as Uint8Array);
  }

  /** Refuses with the name of the broken constraint. */
  async #quotient(
    key: LoadedKey,
    witness: Uint8Array<ArrayBuffer>,
    options: CallOptions,
  ): Promise<Uint8Array> {
    const threadKey = (key.shares[0] as LoadedShare).threadKey;
    const result = await this.#first.call(
      { kind: "quotient", key: threadKey, witness },
      [witness.buffer],
      options,
    );
    if (result.kind === "unsatisfied") throw unsatisfiedError(key.r1cs, result.row);
    if (result.kind !== "bytes") throw unexpected();
    return result.bytes[0] as Uint8Array;
  }

  /** Asks every thread for its part at once. */
  #onEach(
    key: LoadedKey,
    options: CallOptions,
    request: (share: WorkShare, threadKey: string) => ProverRequest,
  ): Promise<(readonly Uint8Array[])[]> {
    return Promise.all(
      key.shares.map(({ share, threadKey }, thread) =>
        this.#bytes(this.#ports[thread] as ProverThreadPort, request(share, threadKey), options),
      ),
    );
  }

  async #bytes(
    port: ProverThreadPort,
    request: ProverRequest,
    options: CallOptions,
  ): Promise<readonly Uint8Array[]> {
    const result = await port.call(request, [], options);
    if (result.kind !== "bytes") throw unexpected();
    return result.bytes;
  }

  /** Frees the key's memory in the threads for other keys. */
  async unload(key: LoadedKey): Promise<void> {
    this.#held.delete(key);
    await Promise.all(
      key.shares.map(async ({ threadKey, generation }, thread) => {
        const port = this.#ports[thread];
        if (port?.generation === generation) await port.call({ kind: "unload", key: threadKey }, [], {});
      }),
    );
  }

  /** Ends the threads; calls under way fail with `prover-stopped`. */
  async close(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.close()));
  }
}

/** Both results, or the first one's error when it has one; neither is left running unobserved. */
async function settled<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}

/** Throws `proving-key-mismatch` when the key has not as many points as the circuit needs. */
function assertFits(points: KeyPoints, r1cs: R1cs): void {
  const variables = r1cs.variables * G1_BYTES;
  const publics = (r1cs.publicInputs + 1) * G1_BYTES;
  const fits =
    points.inputs.length === publics &&
    points.aQuery.length === variables &&
    points.bQueryG1.length === variables &&
    points.bQueryG2.length === 2 * variables &&
    points.privateQuery.length === variables - publics;
  if (fits) return;
  throw new CodedError({
    code: "proving-key-mismatch",
    kind: "invalid",
    message: "The proving key does not have as many points as the circuit needs.",
  });
}

function unexpected(): CodedError {
  return new CodedError({
    code: "internal",
    kind: "internal",
    message: "The prover gave an answer to another question.",
  });
}
