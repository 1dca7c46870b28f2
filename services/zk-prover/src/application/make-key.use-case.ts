import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { DEVELOPMENT_TRUST, encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import type { Claim } from "@aios/core-proving-queue/work-queue";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { ModelKeyRecord } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import type { LoadedModels } from "./loaded-models.js";
import { openModel } from "./open-model.js";
import type { ProgressBoard } from "./progress-board.js";

const SEED_BYTES = 64;

export interface MakeKeyHooks {
  /** The key is made and recorded, but could not be kept in memory: the first proof fetches it. */
  notKept(error: unknown): void;
}

/** Makes the keys of one model: fetch, check the commitment, compile, set up, store, record. */
export class MakeKey {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly contents: ContentStore,
    private readonly loaded: LoadedModels,
    private readonly progress: ProgressBoard,
    private readonly rng: Rng,
    private readonly hooks: MakeKeyHooks,
  ) {}

  async execute(
    claim: Claim,
    { modelCommitment, modelCid }: ModelKeyRecord,
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
      report(
        "setting-up-keys",
        20,
        `Keys for ${r1cs.constraints} constraints are computed (${DEVELOPMENT_TRUST}).`,
      );
      const startedAt = performance.now();
      const { provingKey, provingKeyHash, verifyingKey } = await this.#setUp(r1cs, signal, (fraction) =>
        report(
          "setting-up-keys",
          20 + 60 * fraction,
          `Keys for ${r1cs.constraints} constraints are computed (${DEVELOPMENT_TRUST}).`,
        ),
      );
      const setUpMs = Math.round(performance.now() - startedAt);
      crashPoint("zk-prover.key.after-set-up");
      report("storing-keys", 85, "The keys are stored.");
      const provingKeySecret = generateContentKey(this.rng);
      const verifyingKeyBytes = encodeVerifyingKey(verifyingKey);
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
        trust: DEVELOPMENT_TRUST,
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
  async #setUp(
    r1cs: ReturnType<typeof compileCircuit>,
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ) {
    const prover = new Groth16Prover();
    const seed = this.rng.bytes(SEED_BYTES);
    try {
      return await prover.developmentSetup(r1cs, seed, { signal, onProgress });
    } finally {
      seed.fill(0);
      await prover.close();
    }
  }
}
