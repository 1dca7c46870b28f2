import type { Claim, WorkerState } from "@aios/core-proving-queue/work-queue";
import { type Bytes32, bytes32, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { describe, expect, it } from "vitest";
import type { KeyCeremony, KeyRequest } from "../../src/domain/model-key.js";
import type { ModelKeyStore } from "../../src/domain/ports.js";
import type { ProvenModel } from "../../src/domain/proof-system.js";
import { SAMPLE_KEY } from "../support/sample-proof.js";

export interface ModelKeyStoreUnderTest {
  open(): ModelKeyStore;
  /** Keys of the events that left so far, of any kind, in order. */
  published(): Promise<readonly string[]>;
  /** Lets leases run out. */
  pass(durationMs: number): Promise<void>;
  /** Ends the backend in the middle and brings it back. */
  crash(): Promise<void>;
}

const TENANT = "account:a" as TenantId;
const LEASE_MS = 60_000;
const WORKER: WorkerState = { leaseMs: LEASE_MS, loaded: [], patienceMs: 3_600_000 };
const FAILURE = { code: "unprovable", message: "It cannot be proven.", details: { layer: 2 } };
const LOST = { code: "work-lease-lost" };
const CEREMONY = { transcriptCid: "bafksteps", provingKeyCid: "bafkkey", powersCid: "bafkpowers" };
let models = 2_000_000;

function asked(modelCommitment: Bytes32, modelCid: string, ceremony?: KeyCeremony): KeyRequest {
  return { modelCommitment, proofSystem: "groth16", modelCid, ceremony };
}

function groth16(modelCommitment: Bytes32): ProvenModel {
  return { modelCommitment, proofSystem: "groth16" };
}

function newModel(): Bytes32 {
  models += 1;
  return bytes32(`0x${models.toString(16).padStart(64, "0")}`);
}

/** What every `ModelKeyStore` does. No other work may be open when it starts. */
export function modelKeyStoreConformance(name: string, subject: ModelKeyStoreUnderTest): void {
  const { open, crash } = subject;

  async function claim(model: Bytes32): Promise<Claim> {
    const taken = await open().claim(WORKER);
    if (taken === undefined) throw new Error("nothing was due");
    expect(taken.claim.id).toBe(model);
    expect(taken.work.modelCommitment).toBe(model);
    return taken.claim;
  }

  async function finished(model: Bytes32): Promise<void> {
    await open().complete(await claim(model), SAMPLE_KEY);
  }

  describe(`${name} as ModelKeyStore`, () => {
    it("adds a model's work once, whoever asks how often, and keeps it over a crash", async () => {
      const model = newModel();
      expect(await open().find(groth16(model))).toBeUndefined();
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => open().request(asked(model, "bafkmodel"), TENANT)),
      );
      const wanted = { modelCommitment: model, tenantId: TENANT, modelCid: "bafkmodel", state: "setting-up" };
      for (const record of answers) expect(record).toMatchObject(wanted);
      await crash();
      expect(await open().depth()).toBe(1);
      expect(await open().request(asked(model, "bafkmodel"), "account:b" as TenantId)).toMatchObject(wanted);
      await finished(model);
    });

    it("keeps what a set-up left, told once, and makes no other keys for the model", async () => {
      const model = newModel();
      await open().request(asked(model, "bafkmodel"), TENANT);
      const held = await claim(model);
      await open().complete(held, SAMPLE_KEY);
      await crash();
      await expect(open().complete(held, SAMPLE_KEY)).rejects.toMatchObject(LOST);
      expect((await subject.published()).filter((key) => key === model)).toHaveLength(1);
      const ready = await open().find(groth16(model));
      expect(ready).toMatchObject({ state: "ready", material: SAMPLE_KEY, failure: undefined });
      expect(await open().request(asked(model, "bafkother"), TENANT)).toEqual(ready);
      await expect(open().request(asked(model, "bafkmodel", CEREMONY), TENANT)).rejects.toMatchObject({
        code: "model-key-differs",
      });
      expect(await open().depth()).toBe(0);
    });

    it("keeps why a set-up failed, told once, and starts anew only for another content", async () => {
      const model = newModel();
      await open().request(asked(model, "bafkmodel"), TENANT);
      const held = await claim(model);
      await open().fail(held, FAILURE);
      await crash();
      await expect(open().fail(held, FAILURE)).rejects.toMatchObject(LOST);
      expect((await subject.published()).filter((key) => key === model)).toHaveLength(1);
      const failed = await open().request(asked(model, "bafkmodel"), TENANT);
      expect(failed).toMatchObject({ state: "failed", failure: FAILURE, material: undefined });
      expect(await open().depth()).toBe(0);
      expect(await open().request(asked(model, "bafkother"), TENANT)).toMatchObject({
        state: "setting-up",
        modelCid: "bafkother",
        failure: undefined,
      });
      await open().fail(await claim(model), FAILURE);
      expect(await open().request(asked(model, "bafkother", CEREMONY), TENANT)).toMatchObject({
        state: "setting-up",
        ceremony: CEREMONY,
      });
      await expect(open().complete(held, SAMPLE_KEY)).rejects.toMatchObject(LOST);
      await finished(model);
    });

    it("gives the work of a vanished holder to another, and fences the first off", async () => {
      const model = newModel();
      await open().request(asked(model, "bafkmodel"), TENANT);
      const first = await claim(model);
      expect(await open().claim(WORKER)).toBeUndefined();
      expect(await open().renew(first, LEASE_MS)).toBe(true);
      await subject.pass(LEASE_MS + 1_000);
      await crash();
      const second = await claim(model);
      expect(second).toMatchObject({ attempts: 2, abandonments: 1 });
      await expect(open().complete(first, SAMPLE_KEY)).rejects.toMatchObject(LOST);
      expect(await open().renew(first, LEASE_MS)).toBe(false);
      await open().postpone(second, 0 as TimestampMs);
      const third = await claim(model);
      expect(third).toMatchObject({ attempts: 3, abandonments: 1 });
      await open().complete(third, SAMPLE_KEY);
    });

    it("keeps one key of a model under each proof system, and UltraHonk's without a proving key", async () => {
      const model = newModel();
      const honk = { modelCommitment: model, proofSystem: "honk" } as const;
      await open().request(asked(model, "bafkmodel"), TENANT);
      await finished(model);
      const wanted = { ...honk, modelCid: "bafkmodel", ceremony: undefined };
      expect(await open().request(wanted, TENANT)).toMatchObject({ ...honk, state: "setting-up" });
      const taken = await open().claim(WORKER);
      expect(taken?.work).toMatchObject(honk);
      const material = { ...SAMPLE_KEY, provingKey: undefined, trust: "of anybody" };
      await open().complete(taken?.claim as Claim, material);
      await crash();
      expect(await open().find(honk)).toMatchObject({ ...honk, state: "ready", material });
      expect(await open().find(groth16(model))).toMatchObject({ state: "ready", material: SAMPLE_KEY });
      expect((await subject.published()).filter((key) => key === model)).toHaveLength(2);
    });
  });
}
