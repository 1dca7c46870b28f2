import { expect, it } from "vitest";
import type { CeremonyJob, CeremonyThreads } from "./ceremony-threads.js";
import { type CheckedPowers, firstKeyPoints } from "./first-key.js";
import type { ProverRequest, ProverResult } from "./prover-messages.js";

const bytes = new Uint8Array(64);
const CIRCUIT = { circuit: bytes, constraints: 1, size: 2 };
const POWERS = new Proxy({}, { get: () => new Uint8Array(64 * 4) }) as CheckedPowers;

/** Two threads that only note what they are asked; the second time that work is shared out, they fail. */
function failingThreads() {
  const asked: string[] = [];
  const shared: (readonly CeremonyJob[])[] = [];
  const threads = {
    share: async (jobs: readonly CeremonyJob[]) => {
      shared.push(jobs);
      if (shared.length > 1) throw new Error("a thread failed");
      return jobs.map(() => bytes);
    },
    each: async (request: (thread: number) => ProverRequest): Promise<ProverResult[]> =>
      [0, 1].map((thread): ProverResult => {
        const { kind, ...named } = request(thread);
        asked.push("key" in named ? `${kind} ${named.key}` : kind);
        return { kind: "loaded", key: `circuit ${thread}` } as ProverResult;
      }),
  };
  return { threads: threads as unknown as CeremonyThreads, asked, shared };
}

it("unloads the circuit from every thread also where the work failed, and says why it did", async () => {
  const { threads, asked } = failingThreads();
  const failed = firstKeyPoints(threads, CIRCUIT, POWERS, new Uint8Array(32 * 4), {});
  await expect(failed).rejects.toThrow("a thread failed");
  expect(asked).toEqual(["load", "load", "unload circuit 0", "unload circuit 1"]);
});

it("copies a part of the powers only when its thread takes it", async () => {
  const { threads, shared } = failingThreads();
  await firstKeyPoints(threads, CIRCUIT, POWERS, new Uint8Array(32 * 4), {}).catch(() => undefined);
  expect(shared[1]?.length).toBeGreaterThan(10);
  for (const { request } of shared[1] ?? []) expect(request).toBeTypeOf("function");
});
