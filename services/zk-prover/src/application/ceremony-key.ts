import { type Ceremony, verifyCeremony } from "@aios/core-groth16/ceremony";
import { decodeTranscript, MAX_TRANSCRIPT_BYTES } from "@aios/core-groth16/ceremony-codec";
import { CeremonyEngine } from "@aios/core-groth16/ceremony-engine";
import { transcriptHash } from "@aios/core-groth16/ceremony-transcript";
import { ceremonyTrust } from "@aios/core-groth16/ceremony-trust";
import { leastPowersBytes, readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { decodeProvingKey, provingKeyHash } from "@aios/core-groth16/proving-key";
import { encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { Rng } from "@aios/kernel/random";
import { ceremonyTooLong, powersNotListed, powersTooLarge } from "../domain/errors.js";
import type { KeyCeremony } from "../domain/model-key.js";
import type { ContentStore } from "../domain/ports.js";
import type { MadeKey } from "./made-key.js";

const SEED_BYTES = 64;
/** Steps are verified between two heartbeats: about 3 ms each, and 2^20 hashes of a beacon in less than a second. */
const MOST_STEPS = 200;
const LARGEST_BEACON_EXPONENT = 20;

export interface CeremonyPolicy {
  /** SHA-256, hex, of the powers of tau that the operator has compared with what their ceremony published. */
  readonly listedPowers: ReadonlySet<string>;
  readonly maxPowersBytes: number;
  /** That check it. */
  readonly threads: number;
}

/**
 * Takes a circuit's key from a ceremony, trusting none of it: the first key is computed anew from the circuit and the
 * powers of tau, every contribution is verified, and the key must follow from both. Throws `powers-of-tau-not-listed`,
 * `powers-of-tau-too-large`, `too-few-contributors`, `ceremony-too-long`, and what `decodeTranscript`, `readPowersOfTau` and `verifyCeremony` throw.
 */
export class CeremonyKeys {
  constructor(
    private readonly contents: ContentStore,
    private readonly policy: CeremonyPolicy,
    private readonly rng: Rng,
  ) {}

  async take(ceremony: KeyCeremony, r1cs: R1cs, signal: AbortSignal): Promise<MadeKey> {
    const neededBytes = leastPowersBytes(r1cs.constraints + r1cs.publicInputs + 1);
    if (neededBytes > this.policy.maxPowersBytes)
      throw powersTooLarge(r1cs.constraints, neededBytes, this.policy.maxPowersBytes);
    const transcript = decodeTranscript(
      new TextDecoder().decode(
        await this.contents.read(ceremony.transcriptCid, signal, MAX_TRANSCRIPT_BYTES),
      ),
    );
    assertShort(transcript);
    const trust = ceremonyTrust(transcript);
    const powersHash = Buffer.from(transcript.start.powersHash).toString("hex");
    if (!this.policy.listedPowers.has(powersHash)) throw powersNotListed(powersHash);
    const provingKey = await this.contents.readSecret(
      ceremony.provingKeyCid,
      "proving-key-setup",
      undefined,
      signal,
    );
    const hash = provingKeyHash(provingKey);
    const key = decodeProvingKey(provingKey, hash);
    const powers = readPowersOfTau(
      await this.contents.read(ceremony.powersCid, signal, this.policy.maxPowersBytes),
    );
    if (Buffer.from(powers.hash).toString("hex") !== powersHash)
      throw powersNotListed(Buffer.from(powers.hash).toString("hex"));
    await this.#verify({ transcript, key }, r1cs, powers, signal);
    return {
      provingKey: { bytes: provingKey, hash },
      verifyingKey: encodeVerifyingKey(key.verifyingKey),
      constraintCount: r1cs.constraints,
      trust,
      ceremonyTranscriptHash: transcriptHash(transcript),
    };
  }

  async #verify(
    ceremony: Ceremony,
    r1cs: R1cs,
    powers: ReturnType<typeof readPowersOfTau>,
    signal: AbortSignal,
  ): Promise<void> {
    const engine = new CeremonyEngine({ threads: this.policy.threads });
    const end = (): void => void engine.close();
    signal.addEventListener("abort", end, { once: true });
    try {
      const firstKey = await engine.firstKey(r1cs, powers, this.rng.bytes(SEED_BYTES), { signal });
      await verifyCeremony(engine, ceremony, firstKey, this.rng.bytes(SEED_BYTES));
    } finally {
      signal.removeEventListener("abort", end);
      await engine.close();
    }
  }
}

function assertShort({ steps }: Ceremony["transcript"]): void {
  const isLong = steps.some(
    (step) => step.kind === "beacon" && step.iterationsExponent > LARGEST_BEACON_EXPONENT,
  );
  if (isLong || steps.length > MOST_STEPS) throw ceremonyTooLong(MOST_STEPS, LARGEST_BEACON_EXPONENT);
}
