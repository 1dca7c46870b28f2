import type { Claim, WorkerState } from "@aios/core-proving-queue/work-queue";
import { ManualClock } from "@aios/kernel/clock";
import type { TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { HonkKeySetUpEnded } from "@aios/proto/aios/events/v1/events";
import type { PgSqlClient } from "@aios/service-kit/sql-executor";
import { useServiceDatabase } from "@aios/testkit/service-database";
import { workQueueConformance } from "@aios/testkit/work-queue-conformance";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe, expect, it } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaModelKeyStore } from "../../src/adapters/prisma/prisma-model-key.store.js";
import { PrismaProofStore } from "../../src/adapters/prisma/prisma-proof.store.js";
import type { ProofSystem } from "../../src/domain/proof-system.js";
import { modelKeyStoreConformance } from "../conformance/model-key-store.conformance.js";
import { proofStoreConformance } from "../conformance/proof-store.conformance.js";
import {
  modelNumber,
  proofJobId,
  SAMPLE_KEY,
  SAMPLE_PROOF,
  sampleProofRequest,
  word,
} from "../support/sample-proof.js";

const database = useServiceDatabase(
  new URL("../../prisma/migrations/", import.meta.url),
  ({ pool }) => new PrismaClient({ adapter: new PrismaPg(pool) }),
);
const now = (): number => Date.now();
// What the stores themselves call now is the database's time for all that matters here.
const clock = { now: () => now() as TimestampMs, wait: new ManualClock().wait };
const proofs = () => new PrismaProofStore(database.client, database.pool, clock);

async function published(): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ key: string }>(
    "SELECT key FROM messaging.outbox ORDER BY sequence",
  );
  return rows.map(({ key }) => key);
}

/** Moves everything that a table of work has into the past. */
async function pass(table: "proof_job" | "model_key", durationMs: number): Promise<void> {
  const step = `- ${Number(durationMs)} * interval '1 millisecond'`;
  const deadline = table === "proof_job" ? `"deadline" = "deadline" ${step},` : "";
  await database.pool.query(
    `UPDATE "${table}" SET "requested_at" = "requested_at" ${step}, "next_attempt_at" = "next_attempt_at" ${step},
       ${deadline}
       "lease_until" = CASE WHEN "lease_until" > 'epoch' THEN "lease_until" ${step} ELSE "lease_until" END`,
  );
}

workQueueConformance("PrismaProofStore", async (limit) => {
  await database.pool.query('TRUNCATE "proof_job"');
  return {
    get queue() {
      return proofs();
    },
    request: async ({ id, group = 0, fingerprint = 0, priority = 0, deadlineInMs }) => {
      const request = sampleProofRequest(id, {
        modelCommitment: modelNumber(group),
        claimedOutput: word(fingerprint),
        priority,
        deadline: deadlineInMs === undefined ? undefined : ((now() + deadlineInMs) as TimestampMs),
        requestHash: word(fingerprint),
      });
      // Requests have an order in time, finer than what the column holds.
      await database.pool.query(
        `UPDATE "proof_job" SET "requested_at" = "requested_at" - interval '1 millisecond'`,
      );
      await proofs().request(request, "tenant" as TenantId, limit, 1_000);
    },
    complete: (claim: Claim) => proofs().complete(claim, SAMPLE_PROOF),
    idOf: proofJobId,
    groupOf: modelNumber,
    now,
    pass: (durationMs) => pass("proof_job", durationMs),
    restart: () => database.crash(),
    close: async () => void (await database.pool.query('TRUNCATE "proof_job"')),
  };
});

proofStoreConformance("PrismaProofStore", { open: proofs, published, crash: () => database.crash() });

modelKeyStoreConformance("PrismaModelKeyStore", {
  open: () => new PrismaModelKeyStore(database.client, database.pool, clock),
  published,
  pass: (durationMs) => pass("model_key", durationMs),
  crash: () => database.crash(),
});

it("a proof takes the queue's database one turn to ask for it, one to take it and one to end it", async () => {
  await database.pool.query('TRUNCATE "proof_job"');
  const prisma = new PrismaClient({
    adapter: new PrismaPg(database.pool),
    log: [{ emit: "event", level: "query" }],
  });
  const statements: string[] = [];
  prisma.$on("query", ({ query }) => statements.push(query));
  const pool: PgSqlClient = {
    query(statement) {
      statements.push(statement.text);
      return database.pool.query(statement);
    },
  };
  const turnsOf = async <T>(work: () => Promise<T>): Promise<readonly [number, T]> => {
    const before = statements.length;
    const result = await work();
    return [statements.length - before, result];
  };
  const store = new PrismaProofStore(prisma, pool, clock);
  const worker: WorkerState = { leaseMs: 60_000, loaded: [], patienceMs: 3_600_000 };
  const [asking] = await turnsOf(() =>
    store.request(sampleProofRequest(1), "account:a" as TenantId, 10, 1_000),
  );
  const [taking, taken] = await turnsOf(() => store.claim(worker));
  const [ending] = await turnsOf(() => store.complete(taken?.claim as Claim, SAMPLE_PROOF));
  expect({ asking, taking, ending }).toEqual({ asking: 1, taking: 1, ending: 1 });
  expect((await published()).at(-1)).toBe(proofJobId(1));
});

describe("where a proof stands in the queue", () => {
  interface PlanNode {
    readonly "Node Type": string;
    readonly "Relation Name"?: string;
    readonly "Actual Loops": number;
    readonly "Actual Rows": number;
    readonly "Rows Removed by Filter"?: number;
    readonly Plans?: readonly PlanNode[];
  }
  const nodesOf = (plan: PlanNode): readonly PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

  /** How PostgreSQL answers it on a queue that is long enough for its indexes to pay. */
  async function planOf(jobId: string): Promise<readonly PlanNode[]> {
    const plans: PlanNode[] = [];
    const query: PgSqlClient["query"] = async ({ text, values }) => {
      const connection = await database.pool.connect();
      try {
        await connection.query("SET enable_seqscan = off");
        const { rows } = await connection.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
        plans.push(rows[0]["QUERY PLAN"][0].Plan as PlanNode);
        return { rowCount: 0, rows: [] };
      } finally {
        connection.release(true);
      }
    };
    await new PrismaProofStore(database.client, { query }, clock).place(jobId);
    return plans.flatMap(nodesOf);
  }

  /** Of the queue's own, however they were dismissed. */
  const rowsLookedAt = (nodes: readonly PlanNode[]): number =>
    nodes
      .filter((node) => node["Relation Name"] === "proof_job")
      .map((node) => node["Actual Loops"] * (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)))
      .reduce((sum, rows) => sum + rows, 0);

  it("is found without the other rows where a replica holds it, and without sorting them where it waits", async () => {
    await database.pool.query('TRUNCATE "proof_job"');
    for (let number = 1; number <= 20; number++)
      await proofs().request(sampleProofRequest(number), "account:a" as TenantId, 20, 1_000);
    const held = await proofs().claim({ leaseMs: 60_000, loaded: [], patienceMs: 3_600_000 });
    const { claim } = held as { claim: Claim };
    expect(rowsLookedAt(await planOf(claim.id))).toBeLessThanOrEqual(1);
    const waiting = await planOf([1, 2].map(proofJobId).find((id) => id !== claim.id) as string);
    expect(rowsLookedAt(waiting)).toBeGreaterThanOrEqual(19);
    expect(waiting.map((node) => node["Node Type"])).not.toEqual(expect.arrayContaining(["Sort"]));
  });
});

describe("open UltraHonk work", () => {
  /** Work that a replica of the release before would take: it knows these states alone. */
  async function seenByTheReleaseBefore(): Promise<readonly string[]> {
    const { rows } = await database.pool.query<{ id: string }>(
      `SELECT "model_commitment" AS "id" FROM "model_key" WHERE "state" = 'setting-up'
       UNION ALL SELECT "job_id" FROM "proof_job" WHERE "state" IN ('queued', 'proving')`,
    );
    return rows.map(({ id }) => id);
  }

  const worker: WorkerState = { leaseMs: 60_000, loaded: [], patienceMs: 3_600_000 };
  const tenant = "account:a" as TenantId;

  it("is no work of a release that knows Groth16 alone, held or not", async () => {
    await database.pool.query('TRUNCATE "proof_job", "model_key"');
    const keys = new PrismaModelKeyStore(database.client, database.pool, clock);
    const model = { modelCommitment: modelNumber(7), proofSystem: "honk" } as const;
    await keys.request({ ...model, modelCid: "bafkmodel", ceremony: undefined }, tenant);
    await proofs().request(sampleProofRequest(7, { proofSystem: "honk" }), tenant, 10, 1_000);
    expect([await keys.depth(), await proofs().depth()]).toEqual([1, 1]);
    expect(await seenByTheReleaseBefore()).toEqual([]);
    const key = await keys.claim(worker);
    const proof = await proofs().claim(worker);
    expect([key?.work, proof?.work.request]).toMatchObject([
      { ...model, state: "setting-up" },
      { proofSystem: "honk" },
    ]);
    expect(await seenByTheReleaseBefore()).toEqual([]);
    await proofs().complete(proof?.claim as Claim, SAMPLE_PROOF);
    await keys.fail(key?.claim as Claim, {
      code: "unprovable",
      message: "It cannot be proven.",
      details: {},
    });
    expect((await proofs().find(proofJobId(7)))?.state).toBe("proven");
    expect((await keys.find(model))?.state).toBe("failed");
  });

  it("is left by a process that has no such prover, and taken by one that has", async () => {
    await database.pool.query('TRUNCATE "proof_job", "model_key"');
    const of = (...systems: ProofSystem[]) => ({
      keys: new PrismaModelKeyStore(database.client, database.pool, clock, () => systems),
      proofs: new PrismaProofStore(database.client, database.pool, clock, () => systems),
    });
    const [poor, rich] = [of("groth16"), of("groth16", "honk")];
    const model = { modelCommitment: modelNumber(11), proofSystem: "honk" } as const;
    await poor.keys.request({ ...model, modelCid: "bafkmodel", ceremony: undefined }, tenant);
    await poor.proofs.request(sampleProofRequest(11, { proofSystem: "honk" }), tenant, 10, 1_000);
    await poor.proofs.request(sampleProofRequest(12), tenant, 10, 1_000);
    expect(await poor.keys.claim(worker)).toBeUndefined();
    expect((await poor.proofs.claim(worker))?.claim.id).toBe(proofJobId(12));
    expect(await poor.proofs.claim(worker)).toBeUndefined();
    expect([await poor.keys.depth(), await poor.proofs.depth()]).toEqual([1, 2]);
    expect((await rich.keys.claim(worker))?.work).toMatchObject(model);
    expect((await rich.proofs.claim(worker))?.claim.id).toBe(proofJobId(11));
  });

  it("ends on a topic that a marketplace of that release does not hear: it would take the key for its only one", async () => {
    await database.pool.query('TRUNCATE "model_key", messaging.outbox');
    const keys = new PrismaModelKeyStore(database.client, database.pool, clock);
    for (const proofSystem of ["groth16", "honk"] as const) {
      for (const number of [8, 9]) {
        const model = { modelCommitment: modelNumber(number), proofSystem };
        await keys.request({ ...model, modelCid: "bafkmodel", ceremony: undefined }, tenant);
        const { claim } = (await keys.claim(worker)) as { claim: Claim };
        if (number === 8) await keys.complete(claim, SAMPLE_KEY);
        else await keys.fail(claim, { code: "unprovable", message: "It cannot be.", details: { layer: 2 } });
      }
    }
    const { rows } = await database.pool.query<{ topic: string; payload: Uint8Array }>(
      "SELECT topic, payload FROM messaging.outbox ORDER BY sequence",
    );
    expect(rows.map(({ topic }) => topic)).toEqual([
      "prover.v1.key.ended",
      "prover.v1.key.ended",
      "prover.v1.honk-key.ended",
      "prover.v1.honk-key.ended",
    ]);
    const [made, failed] = rows.slice(2).map(({ payload }) => HonkKeySetUpEnded.decode(payload));
    expect(made).toMatchObject({ ready: true, trust: SAMPLE_KEY.trust, verifyingKeyCid: "bafkverifying" });
    expect(failed).toMatchObject({ ready: false, errorCode: "unprovable", errorDetailsJson: '{"layer":2}' });
  });
});
