import type { Claim } from "@aios/core-proving-queue/work-queue";
import { ManualClock } from "@aios/kernel/clock";
import { address, bytes32, jobId, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { applyMigrations } from "@aios/service-kit/migrate";
import { createPool } from "@aios/service-kit/postgres-pool";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { workQueueConformance } from "@aios/testkit/work-queue-conformance";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaProofStore } from "../../src/adapters/prisma/prisma-proof.store.js";

const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);
const ACCOUNT = address(`0x${"11".repeat(20)}`);
let postgres: TestPostgres;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
  await applyMigrations(MIGRATIONS, url);
});
afterAll(() => postgres?.stop());

const idOf = (id: number) => jobId(`0x${id.toString(16).padStart(64, "0")}`);
const groupOf = (group: number) => bytes32(`0x${group.toString(16).padStart(64, "0")}`);
const word = (value: number): Uint8Array => new Uint8Array(32).fill(value);
const result = {
  proof: new Uint8Array(256),
  publicInputs: [word(1), word(2), word(3)],
  evidence: word(4),
  evidenceCid: "bafy",
  proveMs: 5,
};

workQueueConformance("the table of proofs", async (limit) => {
  const pool = createPool({ url, max: 8, applicationName: "test" });
  await createMessagingSchema(pool);
  await pool.query('TRUNCATE "proof_job"');
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const now = (): number => Date.now();
  // What the store itself calls now is the database's time for all that matters here.
  const clock = { now: () => now() as TimestampMs, wait: new ManualClock().wait };
  let store = new PrismaProofStore(prisma, clock);
  return {
    get queue() {
      return store;
    },
    request: async ({ id, group = 0, fingerprint = 0, priority = 0, deadlineInMs }) => {
      const request = {
        jobId: idOf(id),
        version: 1,
        chainId: 1,
        escrow: ACCOUNT,
        requester: ACCOUNT,
        modelCommitment: groupOf(group),
        verifyingKeyHash: word(0),
        inputCommitment: word(0),
        modelCid: "bafymodel",
        inputCid: "bafyinput",
        claimedOutput: word(fingerprint),
        priority,
        deadline: deadlineInMs === undefined ? undefined : ((now() + deadlineInMs) as TimestampMs),
        requestHash: word(fingerprint),
      };
      // Requests have an order in time, finer than what the column holds.
      await pool.query(`UPDATE "proof_job" SET "requested_at" = "requested_at" - interval '1 millisecond'`);
      await store.request(request, "tenant" as TenantId, limit, 1_000);
    },
    complete: (claim: Claim) => store.complete(claim, result),
    idOf,
    groupOf,
    now,
    pass: async (durationMs) => {
      const step = `- ${Number(durationMs)} * interval '1 millisecond'`;
      await pool.query(
        `UPDATE "proof_job" SET "requested_at" = "requested_at" ${step}, "next_attempt_at" = "next_attempt_at" ${step},
           "deadline" = "deadline" ${step},
           "lease_until" = CASE WHEN "lease_until" > 'epoch' THEN "lease_until" ${step} ELSE "lease_until" END`,
      );
    },
    restart: async () => {
      await postgres.restart();
      store = new PrismaProofStore(prisma, clock);
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
});
