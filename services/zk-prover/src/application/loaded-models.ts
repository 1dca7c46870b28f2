import type { Groth16Prover, LoadedKey } from "@aios/core-groth16/groth16-prover";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { IntegerModel } from "@aios/core-zkml/integer-model";
import { decryptContent } from "@aios/core-sealing/content-encryption";
import type { Bytes32, JobId } from "@aios/kernel/identifiers";
import { keyFailed, keyNotFound, keyNotReady } from "../domain/errors.js";
import type { KeyMaterial } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import { openModel } from "./open-model.js";

export interface LoadedModel {
  readonly model: IntegerModel;
  readonly material: KeyMaterial;
  readonly key: LoadedKey;
}

export interface LoadedModelsHooks {
  loaded(durationMs: number): void;
}

/** Models whose keys lie ready in the prover's thread; at most `capacity`, the one used longest ago goes first. */
export class LoadedModels {
  readonly #ready = new Map<Bytes32, LoadedModel>();
  readonly #loading = new Map<Bytes32, Promise<LoadedModel>>();

  constructor(
    private readonly keys: ModelKeyStore,
    private readonly contents: ContentStore,
    private readonly prover: Groth16Prover,
    private readonly capacity: number,
    private readonly hooks: LoadedModelsHooks,
  ) {}

  get size(): number {
    return this.#ready.size;
  }

  /**
   * The model with its key, from memory or storage. `jobId` goes into the owner's log of key releases. Throws
   * `model-key-not-found`, `model-key-not-ready`, `model-key-failed`, `model-commitment-mismatch`, storage errors.
   */
  async get(modelCommitment: Bytes32, jobId: JobId, signal: AbortSignal): Promise<LoadedModel> {
    const ready = this.#ready.get(modelCommitment);
    if (ready !== undefined && this.prover.isLoaded(ready.key)) {
      this.#ready.delete(modelCommitment);
      this.#ready.set(modelCommitment, ready);
      return ready;
    }
    this.#ready.delete(modelCommitment);
    let loading = this.#loading.get(modelCommitment);
    if (loading === undefined) {
      loading = this.#load(modelCommitment, jobId, signal).finally(() => this.#loading.delete(modelCommitment));
      this.#loading.set(modelCommitment, loading);
    }
    return loading;
  }

  /** Keeps what a set-up has just made, so that the first proof finds it in memory. */
  async keep(modelCommitment: Bytes32, model: IntegerModel, material: KeyMaterial, provingKey: Uint8Array, signal: AbortSignal): Promise<void> {
    const r1cs = compileCircuit(model);
    const key = await this.prover.load(provingKey, material.provingKeyHash, r1cs, { signal });
    await this.#remember(modelCommitment, { model, material, key });
  }

  async #load(modelCommitment: Bytes32, jobId: JobId, signal: AbortSignal): Promise<LoadedModel> {
    const startedAt = performance.now();
    const record = await this.keys.find(modelCommitment);
    if (record === undefined) throw keyNotFound();
    if (record.failure !== undefined) throw keyFailed(record.failure.code, record.failure.message);
    const { material } = record;
    if (material === undefined) throw keyNotReady();
    const [plaintext, encryptedKey] = await Promise.all([
      this.contents.readSecret(record.modelCid, "proof", jobId, signal),
      this.contents.read(material.provingKeyCid, signal),
    ]);
    const model = openModel(plaintext, modelCommitment);
    const provingKey = decryptContent(material.provingKeySecret, encryptedKey);
    const key = await this.prover.load(provingKey, material.provingKeyHash, compileCircuit(model), { signal });
    const loaded = { model, material, key };
    await this.#remember(modelCommitment, loaded);
    this.hooks.loaded(performance.now() - startedAt);
    return loaded;
  }

  async #remember(modelCommitment: Bytes32, loaded: LoadedModel): Promise<void> {
    const before = this.#ready.get(modelCommitment);
    this.#ready.set(modelCommitment, loaded);
    const dropped = before === undefined ? [] : [before];
    while (this.#ready.size > this.capacity) {
      const [oldest, entry] = this.#ready.entries().next().value as [Bytes32, LoadedModel];
      this.#ready.delete(oldest);
      dropped.push(entry);
    }
    await Promise.all(dropped.map((entry) => this.prover.unload(entry.key)));
  }
}
