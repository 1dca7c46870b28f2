import type { Claim } from "@aios/core-proving-queue/work-queue";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { provableGraph } from "@aios/core-zkml/integer-graph";
import { multiplicationCount } from "@aios/core-zkml/provable-model";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import { monotonicMs } from "@aios/service-kit/system-clock";
import type { ModelKeyRecord, StoredProvingKey } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import { provenModelId } from "../domain/proof-system.js";
import type { Calculations } from "./calculations.js";
import type { LoadedModels } from "./loaded-models.js";
import type { MadeProvingKey } from "./made-key.js";
import type { OfferedSystems } from "./offered-systems.js";
import { openModel } from "./open-model.js";
import type { ProgressBoard } from "./progress-board.js";

/** Loading a key takes seconds at most; a prover that hangs is not waited for. */
const KEEP_WITHIN_MS = 60_000;

export interface MakeKeyHooks {
  /** The key is made and recorded, but could not be kept in memory: the first proof fetches it. */
  notKept(error: unknown): void;
}

/** Makes a model's key under one proof system: fetch, check the commitment, compile, make or take, store, record. */
export class MakeKey {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly contents: ContentStore,
    private readonly loaded: Pick<LoadedModels, "keep">,
    private readonly offered: Pick<OfferedSystems, "backEnd">,
    private readonly calculations: Pick<Calculations, "compile">,
    private readonly progress: ProgressBoard,
    private readonly rng: Rng,
    private readonly hooks: MakeKeyHooks,
  ) {}

  async execute(claim: Claim, record: ModelKeyRecord, signal: AbortSignal): Promise<void> {
    crashPoint("zk-prover.key.after-claim");
    const { modelCommitment, modelCid, ceremony, proofSystem } = record;
    const id = provenModelId(record);
    const report = (stage: string, percent: number, message: string): void =>
      this.progress.set(id, stage, percent, message);
    try {
      const backEnd = this.offered.backEnd(proofSystem);
      report("fetching-model", 5, "The model is fetched and decrypted.");
      const model = openModel(
        await this.contents.readSecret(modelCid, "proving-key-setup", undefined, signal),
        modelCommitment,
      );
      report("compiling-circuit", 15, "The model is compiled into constraints.");
      const r1cs = await this.calculations.compile(model, signal);
      crashPoint("zk-prover.key.before-set-up");
      const stage =
        ceremony === undefined
          ? `The ${backEnd.name} key for ${r1cs.constraints} constraints is made.`
          : `The ceremony's key for ${r1cs.constraints} constraints is verified.`;
      const onProgress = (fraction: number): void => report("setting-up-keys", 20 + 60 * fraction, stage);
      onProgress(0);
      const startedAt = monotonicMs();
      const made = await backEnd.makeKey({ r1cs, ceremony, signal, onProgress });
      const setUpMs = Math.round(monotonicMs() - startedAt);
      crashPoint("zk-prover.key.after-set-up");
      report("storing-keys", 85, "The keys are stored.");
      const [provingKey, verifyingKeyCid] = await Promise.all([
        made.provingKey === undefined ? undefined : this.#storeProvingKey(made.provingKey, signal),
        this.contents.write(made.verifyingKey, "proof", false, signal),
      ]);
      const { verifyingKey, constraintCount, trust, ceremonyTranscriptHash } = made;
      const material = {
        verifyingKey,
        verifyingKeyCid,
        provingKey,
        constraintCount,
        inputShape: provableGraph(model).inputShape,
        multiplications: multiplicationCount(model),
        setUpMs,
        trust,
        ceremonyTranscriptHash,
      };
      crashPoint("zk-prover.key.before-end");
      await this.keys.complete(claim, material);
      crashPoint("zk-prover.key.after-end");
      // The lease ended with the record, so that the next heartbeat finds it gone and aborts `signal`.
      await this.loaded
        .keep(
          record,
          { model, r1cs, material, provingKey: made.provingKey },
          AbortSignal.timeout(KEEP_WITHIN_MS),
        )
        .catch((error: unknown) => this.hooks.notKept(error));
    } finally {
      this.progress.end(id);
    }
  }

  async #storeProvingKey({ bytes, hash }: MadeProvingKey, signal: AbortSignal): Promise<StoredProvingKey> {
    const secret = generateContentKey(this.rng);
    const encrypted = encryptContent(secret, bytes, this.rng);
    const cid = await this.contents.write(encrypted, "proving-key", true, signal);
    return { hash, cid, secret, sizeBytes: bytes.length };
  }
}
