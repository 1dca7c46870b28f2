import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { DEVELOPMENT_TRUST, encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import type { Claim } from "@aios/core-proving-queue/work-queue";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import { monotonicMs } from "@aios/service-kit/system-clock";
import type { ModelKeyRecord } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import type { CeremonyKeys } from "./ceremony-key.js";
import type { LoadedModels } from "./loaded-models.js";
import type { MadeKey } from "./made-key.js";
import { openModel } from "./open-model.js";
import type { ProgressBoard } from "./progress-board.js";

const SEED_BYTES = 64;

export interface MakeKeyHooks {
  /** The key is made and recorded, but could not be kept in memory: the first proof fetches it. */
  notKept(error: unknown): void;
}

/** Makes the keys of one model: fetch, check the commitment, compile, set up or take from a ceremony, store, record. */
export class MakeKey {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly contents: ContentStore,
    private readonly loaded: LoadedModels,
    private readonly ceremonies: CeremonyKeys,
    private readonly progress: ProgressBoard,
    private readonly rng: Rng,
    private readonly hooks: MakeKeyHooks,
  ) {}

  async execute(
    claim: Claim,
    { modelCommitment, modelCid, ceremony }: ModelKeyRecord,
    signal: AbortSignal,
  ): Promise<void> {
    crashPoint("zk-prover.key.after-claim");
    const report = (stage: string, percent: number, message: string): void =>
      this.progress.set(modelCommitment, stage, percent, message);
    try {
      report("fetching-model", 5, "The model is fetched and decrypted.");
      const model = openModel(
        await this.contents.readSecret(modelCid, "proving-key-setup", undefined, signal),
        modelCommitment,
      );
      report("compiling-circuit", 15, "The model is compiled into constraints.");
      const r1cs = compileCircuit(model);
      crashPoint("zk-prover.key.before-set-up");
      const stage =
        ceremony === undefined
          ? `Keys for ${r1cs.constraints} constraints are computed (${DEVELOPMENT_TRUST}).`
          : `The ceremony's key for ${r1cs.constraints} constraints is verified.`;
      const setUpStage = (fraction: number): void => report("setting-up-keys", 20 + 60 * fraction, stage);
      setUpStage(0);
      const startedAt = monotonicMs();
      const made =
        ceremony === undefined
          ? await this.#setUp(r1cs, signal, setUpStage)
          : await this.ceremonies.take(ceremony, r1cs, signal);
      const { provingKey, provingKeyHash, trust, ceremonyTranscriptHash } = made;
      const setUpMs = Math.round(monotonicMs() - startedAt);
      crashPoint("zk-prover.key.after-set-up");
      report("storing-keys", 85, "The keys are stored.");
      const provingKeySecret = generateContentKey(this.rng);
      const verifyingKeyBytes = encodeVerifyingKey(made.verifyingKey);
      const [provingKeyCid, verifyingKeyCid] = await Promise.all([
        this.contents.write(
          encryptContent(provingKeySecret, provingKey, this.rng),
          "proving-key",
          true,
          signal,
        ),
        this.contents.write(verifyingKeyBytes, "proof", false, signal),
      ]);
      const material = {
        verifyingKey: verifyingKeyBytes,
        verifyingKeyCid,
        provingKeyHash,
        provingKeyCid,
        provingKeySecret,
        provingKeyBytes: provingKey.length,
        constraintCount: r1cs.constraints,
        setUpMs,
        trust,
        ceremonyTranscriptHash,
      };
      crashPoint("zk-prover.key.before-end");
      await this.keys.complete(claim, material);
      crashPoint("zk-prover.key.after-end");
      await this.loaded
        .keep(modelCommitment, { model, r1cs, material, provingKey }, signal)
        .catch((error: unknown) => this.hooks.notKept(error));
    } finally {
      this.progress.end(modelCommitment);
    }
  }

  /** In a thread of its own, so that proofs do not wait for it; the seed is forgotten. */
  async #setUp(r1cs: R1cs, signal: AbortSignal, onProgress: (fraction: number) => void): Promise<MadeKey> {
    const prover = new Groth16Prover();
    const seed = this.rng.bytes(SEED_BYTES);
    try {
      const made = await prover.developmentSetup(r1cs, seed, { signal, onProgress });
      return { ...made, trust: DEVELOPMENT_TRUST, ceremonyTranscriptHash: undefined };
    } finally {
      seed.fill(0);
      await prover.close();
    }
  }
}
