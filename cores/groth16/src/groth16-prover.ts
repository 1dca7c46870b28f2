import { type R1cs, unsatisfiedError, type Witness } from "@aios/core-zkml/r1cs";
import { SCALAR_FIELD_ORDER } from "@aios/core-zkml/scalar-field";
import { CodedError } from "@aios/kernel/coded-error";
import { sha512 } from "@noble/hashes/sha2.js";
import { circuitDigest, encodeCircuit, encodeScalars } from "./circuit-encoding.js";
import type { Proof, VerifyingKey } from "./points.js";
import { decodeProof } from "./proof-encoding.js";
import { type CallOptions, ProverThreadPort } from "./prover-thread-port.js";
import { decodeProvingKey, encodeProvingKey, provingKeyHash } from "./proving-key.js";
import { decodeVerifyingKey } from "./verifying-key.js";

export interface SetUpResult {
  /** See `encodeProvingKey`. */
  readonly provingKey: Uint8Array;
  /** SHA-256 of `provingKey`, to be pinned. */
  readonly provingKeyHash: Uint8Array;
  readonly verifyingKey: VerifyingKey;
}

/** A key that lies ready in the prover's thread. Useless once that thread has ended; see `isLoaded`. */
export interface LoadedKey {
  readonly r1cs: R1cs;
  readonly verifyingKey: VerifyingKey;
  readonly threadKey: string;
  readonly generation: number;
}

const SEED_BYTES = 32;
const TRAPDOOR = ["tau", "alpha", "beta", "gamma", "delta"];
const BLINDING = ["r", "s"];

/** One scalar a label: SHA-512 of label and seed, reduced; the bias of 512 bits over 254 is negligible. */
function deriveScalars(seed: Uint8Array, labels: readonly string[]): Uint8Array<ArrayBuffer> {
  if (seed.length < SEED_BYTES) {
    throw new CodedError({
      code: "seed-too-short",
      kind: "invalid",
      message: `A seed needs at least ${SEED_BYTES} random bytes.`,
    });
  }
  const scalars = labels.map((label) => {
    const digest = sha512
      .create()
      .update(new TextEncoder().encode(`aios/groth16/${label}/`))
      .update(seed)
      .digest();
    let value = 0n;
    for (const byte of digest) value = (value << 8n) | BigInt(byte);
    return value % SCALAR_FIELD_ORDER;
  });
  return encodeScalars(scalars);
}

/**
 * Groth16 over BN254 in one worker thread: calls are answered in order, at most `maxPending` wait, and a caller's
 * signal ends the thread whatever it is doing. Time limits and all randomness come from the caller. Loaded keys stay
 * in the thread, so that proving again costs only the proof.
 */
export class Groth16Prover {
  readonly #port: ProverThreadPort;

  constructor(options: { readonly maxPending?: number } = {}) {
    this.#port = new ProverThreadPort(options.maxPending ?? 64);
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
    const trapdoor = deriveScalars(trapdoorSeed, TRAPDOOR);
    const result = await this.#port.call(
      { kind: "development-setup", circuit, trapdoor },
      [circuit.buffer],
      options,
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
    const points = new Uint8Array(key.points);
    const result = await this.#port.call(
      { kind: "load", circuit, points, constraints: r1cs.constraints },
      [circuit.buffer, points.buffer],
      options,
    );
    if (result.kind !== "loaded") throw unexpected();
    return { r1cs, verifyingKey: key.verifyingKey, threadKey: result.key, generation: this.#port.generation };
  }

  isLoaded(key: LoadedKey): boolean {
    return key.generation === this.#port.generation;
  }

  /**
   * A proof that the witness satisfies the key's circuit, blinded by `randomness` (32 fresh random bytes or more; the
   * same bytes for two witnesses would leak). Refuses first, with the name of the broken constraint, if it does not.
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
    const blinding = deriveScalars(randomness, BLINDING);
    const result = await this.#port.call(
      { kind: "prove", key: key.threadKey, witness: encoded, blinding },
      [encoded.buffer],
      options,
    );
    if (result.kind === "unsatisfied") throw unsatisfiedError(key.r1cs, result.row);
    if (result.kind !== "proven") throw unexpected();
    return decodeProof(result.proof);
  }

  /** Frees the key's memory in the thread for other keys. */
  async unload(key: LoadedKey): Promise<void> {
    if (this.isLoaded(key)) await this.#port.call({ kind: "unload", key: key.threadKey }, [], {});
  }

  /** Ends the thread; calls under way fail with `prover-stopped`. */
  async close(): Promise<void> {
    await this.#port.close();
  }
}

function unexpected(): CodedError {
  return new CodedError({
    code: "internal",
    kind: "internal",
    message: "The prover gave an answer to another question.",
  });
}
