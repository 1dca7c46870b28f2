import type { Claim } from "@aios/core-proving-queue/work-queue";
import { ManualClock } from "@aios/kernel/clock";
import type { TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { useServiceDatabase } from "@aios/testkit/service-database";
import { workQueueConformance } from "@aios/testkit/work-queue-conformance";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaModelKeyStore } from "../../src/adapters/prisma/prisma-model-key.store.js";
import { PrismaProofStore } from "../../src/adapters/prisma/prisma-proof.store.js";
import { modelKeyStoreConformance } from "../conformance/model-key-store.conformance.js";
import { proofStoreConformance } from "../conformance/proof-store.conformance.js";
import { modelNumber, proofJobId, SAMPLE_PROOF, sampleProofRequest, word } from "../support/sample-proof.js";

const database = useServiceDatabase(
  new URL("../../prisma/migrations/", import.meta.url),
  ({ pool }) => new PrismaClient({ adapter: new PrismaPg(pool) }),
);
const now = (): number => Date.now();
// What the stores themselves call now is the database's time for all that matters here.
const clock = { now: () => now() as TimestampMs, wait: new ManualClock().wait };
const proofs = () => new PrismaProofStore(database.client, clock);

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
  open: () => new PrismaModelKeyStore(database.client, clock),
  published,
  pass: (durationMs) => pass("model_key", durationMs),
  crash: () => database.crash(),
});
