import { decryptContent } from "@aios/core-sealing/content-encryption";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { JobId } from "@aios/kernel/identifiers";
import { monotonicMs } from "@aios/service-kit/system-clock";
import { keyFailed, keyNotFound, keyNotReady } from "../domain/errors.js";
import type { KeyMaterial, StoredProvingKey } from "../domain/model-key.js";
import type { ContentStore, ModelKeyStore } from "../domain/ports.js";
import { type ProvenModel, provenModelId } from "../domain/proof-system.js";
import type { Calculations } from "./calculations.js";
import type { MadeProvingKey } from "./made-key.js";
import type { OfferedSystems } from "./offered-systems.js";
import { openModel } from "./open-model.js";
import type { ProofBackEnd, ReadyCircuit } from "./proof-back-end.js";

export interface LoadedModel {
  readonly model: ProvableModel;
  readonly material: KeyMaterial;
  readonly backEnd: ProofBackEnd;
  readonly circuit: ReadyCircuit;
}

export interface LoadedModelsHooks {
  loaded(durationMs: number): void;
}

interface Entry {
  readonly loaded: LoadedModel;
  users: number;
}

/**
 * Models whose circuits lie ready for their proofs, each under one proof system. Beyond `capacity` the one used longest ago goes first, but none
 * that is in use: there may be one more for each piece of work under way.
 */
export class LoadedModels {
  readonly #ready = new Map<string, Entry>();
  readonly #loading = new Map<string, Promise<Entry>>();

  constructor(
    private readonly keys: ModelKeyStore,
    private readonly contents: ContentStore,
    private readonly offered: OfferedSystems,
    private readonly calculations: Pick<Calculations, "compile">,
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

  /** What the model's key asks to trust, where the key is loaded: it is the model's one key for good. */
  trust(model: ProvenModel): string | undefined {
    return this.#ready.get(provenModelId(model))?.loaded.material.trust;
  }

  /**
   * Works with a model and its key, from memory or storage, where it says `onLoading` first. `jobId` goes into the owner's
   * log of key releases. Throws `model-key-not-found`, `model-key-not-ready`, `model-key-failed`,
   * `model-commitment-mismatch`, storage errors.
   */
  async use<T>(
    wanted: ProvenModel,
    jobId: JobId,
    signal: AbortSignal,
    work: (loaded: LoadedModel) => Promise<T>,
    onLoading: () => void,
  ): Promise<T> {
    let entry = this.#find(provenModelId(wanted));
    if (entry === undefined) {
      onLoading();
      entry = await this.#loadOnce(wanted, jobId, signal);
    }
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
    wanted: ProvenModel,
    made: {
      readonly model: ProvableModel;
      readonly r1cs: R1cs;
      readonly material: KeyMaterial;
      readonly provingKey: MadeProvingKey | undefined;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { model, r1cs, material, provingKey } = made;
    const id = provenModelId(wanted);
    if (this.#find(id) !== undefined || this.#loading.has(id)) return;
    const backEnd = this.offered.backEnd(wanted.proofSystem);
    const loading = backEnd
      .load({ r1cs, verifyingKey: material.verifyingKey, provingKey, signal })
      .then((circuit) => this.#remember(id, { model, material, backEnd, circuit }));
    this.#loading.set(id, loading);
    await loading.finally(() => this.#loading.delete(id));
    await this.#shrink();
  }

  /** Moves it to the end of those that go; one whose prover has ended is forgotten. */
  #find(id: string): Entry | undefined {
    const entry = this.#ready.get(id);
    if (entry === undefined) return undefined;
    this.#ready.delete(id);
    if (!entry.loaded.circuit.isReady()) return undefined;
    this.#ready.set(id, entry);
    return entry;
  }

  #loadOnce(wanted: ProvenModel, jobId: JobId, signal: AbortSignal): Promise<Entry> {
    const id = provenModelId(wanted);
    const underWay = this.#loading.get(id);
    if (underWay !== undefined) return underWay;
    const loading = this.#load(wanted, jobId, signal).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #load(wanted: ProvenModel, jobId: JobId, signal: AbortSignal): Promise<Entry> {
    const startedAt = monotonicMs();
    const backEnd = this.offered.backEnd(wanted.proofSystem);
    const record = await this.keys.find(wanted);
    if (record === undefined) throw keyNotFound();
    if (record.failure !== undefined) throw keyFailed(record.failure);
    const { material } = record;
    if (material === undefined) throw keyNotReady();
    const [plaintext, provingKey] = await Promise.all([
      this.contents.readSecret(record.modelCid, "proof", jobId, signal),
      material.provingKey === undefined ? undefined : this.#provingKey(material.provingKey, signal),
    ]);
    const model = openModel(plaintext, wanted.modelCommitment);
    const { verifyingKey } = material;
    const r1cs = await this.calculations.compile(model, signal);
    const circuit = await backEnd.load({ r1cs, verifyingKey, provingKey, signal });
    this.hooks.loaded(monotonicMs() - startedAt);
    return this.#remember(provenModelId(wanted), { model, material, backEnd, circuit });
  }

  async #provingKey({ cid, secret, hash }: StoredProvingKey, signal: AbortSignal): Promise<MadeProvingKey> {
    return { bytes: decryptContent(secret, await this.contents.read(cid, signal)), hash };
  }

  #remember(id: string, loaded: LoadedModel): Entry {
    const entry = { loaded, users: 0 };
    this.#ready.set(id, entry);
    return entry;
  }

  async #shrink(): Promise<void> {
    const dropped: LoadedModel[] = [];
    for (const [id, { loaded, users }] of this.#ready) {
      if (this.#ready.size <= this.capacity) break;
      if (users > 0) continue;
      this.#ready.delete(id);
      dropped.push(loaded);
    }
    await Promise.all(dropped.map(({ circuit }) => circuit.release()));
  }
}
