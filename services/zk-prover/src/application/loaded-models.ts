import type { Groth16Prover, LoadedKey } from "@aios/core-groth16/groth16-prover";
import { decryptContent } from "@aios/core-sealing/content-encryption";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { Bytes32, JobId } from "@aios/kernel/identifiers";
import { monotonicMs } from "@aios/service-kit/system-clock";
import { keyFailed, keyNotFound, keyNotReady } from "../domain/errors.js";
import type { KeyMaterial } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import { openModel } from "./open-model.js";

export interface LoadedModel {
  readonly model: ProvableModel;
  readonly material: KeyMaterial;
  readonly key: LoadedKey;
}

export interface LoadedModelsHooks {
  loaded(durationMs: number): void;
}

interface Entry {
  readonly loaded: LoadedModel;
  users: number;
}

/**
 * Models whose keys lie ready in the prover's threads. Beyond `capacity` the one used longest ago goes first, but none
 * that is in use: there may be one more for each piece of work under way.
 */
export class LoadedModels {
  readonly #ready = new Map<Bytes32, Entry>();
  readonly #loading = new Map<Bytes32, Promise<Entry>>();

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

  /** Models whose next proof needs no fetching. */
  names(): readonly string[] {
    return [...this.#ready.keys(), ...this.#loading.keys()];
  }

  /**
   * Works with a model and its key, from memory or storage. `jobId` goes into the owner's log of key releases. Throws
   * `model-key-not-found`, `model-key-not-ready`, `model-key-failed`, `model-commitment-mismatch`, storage errors.
   */
  async use<T>(
    modelCommitment: Bytes32,
    jobId: JobId,
    signal: AbortSignal,
    work: (loaded: LoadedModel) => Promise<T>,
  ): Promise<T> {
    const entry = this.#find(modelCommitment) ?? (await this.#loadOnce(modelCommitment, jobId, signal));
    entry.users++;
    try {
      return await work(entry.loaded);
    } finally {
      entry.users--;
      await this.#shrink();
    }
  }

  /** Keeps what a set-up has just made, so that the first proof finds it in memory. */
  async keep(
    modelCommitment: Bytes32,
    made: {
      readonly model: ProvableModel;
      readonly r1cs: R1cs;
      readonly material: KeyMaterial;
      readonly provingKey: Uint8Array;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { model, r1cs, material, provingKey } = made;
    if (this.#find(modelCommitment) !== undefined || this.#loading.has(modelCommitment)) return;
    const loading = this.prover
      .load(provingKey, material.provingKeyHash, r1cs, { signal })
      .then((key) => this.#remember(modelCommitment, { model, material, key }));
    this.#loading.set(modelCommitment, loading);
    await loading.finally(() => this.#loading.delete(modelCommitment));
    await this.#shrink();
  }

  /** Moves it to the end of those that go; one of an ended thread is forgotten. */
  #find(modelCommitment: Bytes32): Entry | undefined {
    const entry = this.#ready.get(modelCommitment);
    if (entry === undefined) return undefined;
    this.#ready.delete(modelCommitment);
    if (!this.prover.isLoaded(entry.loaded.key)) return undefined;
    this.#ready.set(modelCommitment, entry);
    return entry;
  }

  #loadOnce(modelCommitment: Bytes32, jobId: JobId, signal: AbortSignal): Promise<Entry> {
    const underWay = this.#loading.get(modelCommitment);
    if (underWay !== undefined) return underWay;
    const loading = this.#load(modelCommitment, jobId, signal).finally(() =>
      this.#loading.delete(modelCommitment),
    );
    this.#loading.set(modelCommitment, loading);
    return loading;
  }

  async #load(modelCommitment: Bytes32, jobId: JobId, signal: AbortSignal): Promise<Entry> {
    const startedAt = monotonicMs();
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
    const key = await this.prover.load(provingKey, material.provingKeyHash, compileCircuit(model), {
      signal,
    });
    this.hooks.loaded(monotonicMs() - startedAt);
    return this.#remember(modelCommitment, { model, material, key });
  }

  #remember(modelCommitment: Bytes32, loaded: LoadedModel): Entry {
    const entry = { loaded, users: 0 };
    this.#ready.set(modelCommitment, entry);
    return entry;
  }

  async #shrink(): Promise<void> {
    const dropped: LoadedModel[] = [];
    for (const [modelCommitment, { loaded, users }] of this.#ready) {
      if (this.#ready.size <= this.capacity) break;
      if (users > 0) continue;
      this.#ready.delete(modelCommitment);
      dropped.push(loaded);
    }
    await Promise.all(dropped.map((loaded) => this.prover.unload(loaded.key)));
  }
}
