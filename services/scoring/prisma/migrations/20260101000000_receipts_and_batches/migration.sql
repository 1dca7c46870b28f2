CREATE TABLE "settled_job" (
  "job_id" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "buyer" TEXT NOT NULL,
  "provider" TEXT NOT NULL,
  "receipt_hash" TEXT NOT NULL,
  "opened_at_seconds" BIGINT,
  "settled_at_seconds" BIGINT,
  "settlement_hash" TEXT,
  CONSTRAINT "settled_job_pkey" PRIMARY KEY ("job_id")
);

CREATE TABLE "anchor_batch" (
  "batch_id" UUID NOT NULL,
  "number" BIGINT NOT NULL,
  "root" TEXT NOT NULL,
  "receipt_count" INTEGER NOT NULL,
  "attempt" INTEGER NOT NULL DEFAULT 1,
  "state" TEXT NOT NULL,
  "transaction_hash" TEXT,
  "last_error" TEXT,
  "not_before_ms" BIGINT NOT NULL DEFAULT 0,
  "created_at_ms" BIGINT NOT NULL,
  CONSTRAINT "anchor_batch_pkey" PRIMARY KEY ("batch_id"),
  CONSTRAINT "anchor_batch_state" CHECK ("state" IN ('submitted', 'anchored'))
);
CREATE UNIQUE INDEX "anchor_batch_root_key" ON "anchor_batch"("root");
CREATE INDEX "anchor_batch_state_idx" ON "anchor_batch"("state");
-- Batches are numbered on chain one after the other: one is under way at a time.
CREATE UNIQUE INDEX "anchor_batch_one_under_way" ON "anchor_batch"("state") WHERE "state" = 'submitted';

CREATE TABLE "receipt" (
  "receipt_id" TEXT NOT NULL,
  "sequence" BIGSERIAL NOT NULL,
  "tenant" TEXT NOT NULL,
  "kind" INTEGER NOT NULL,
  "job_id" TEXT NOT NULL,
  "provider" TEXT NOT NULL,
  "counterparty" TEXT NOT NULL,
  "input_commitment" TEXT NOT NULL,
  "output_hash" TEXT NOT NULL,
  "stores_data" BOOLEAN NOT NULL,
  "message_json" TEXT NOT NULL,
  "provider_signature" BYTEA NOT NULL,
  "state" TEXT NOT NULL,
  "countersigned_by" TEXT NOT NULL,
  "refused_because" TEXT NOT NULL,
  "batch_id" UUID,
  "received_at_ms" BIGINT NOT NULL,
  CONSTRAINT "receipt_pkey" PRIMARY KEY ("receipt_id"),
  CONSTRAINT "receipt_state" CHECK ("state" IN ('waiting', 'counted', 'batched', 'anchored', 'refused')),
  CONSTRAINT "receipt_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "anchor_batch"("batch_id")
    ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "receipt_sequence_key" ON "receipt"("sequence");
CREATE INDEX "receipt_job_id_idx" ON "receipt"("job_id");
CREATE INDEX "receipt_provider_state_idx" ON "receipt"("provider", "state");
CREATE INDEX "receipt_counterparty_idx" ON "receipt"("counterparty");
CREATE INDEX "receipt_output_hash_idx" ON "receipt"("output_hash");
CREATE INDEX "receipt_state_sequence_idx" ON "receipt"("state", "sequence");
CREATE INDEX "receipt_batch_id_idx" ON "receipt"("batch_id");
-- The same work by the same provider on the same job counts once.
CREATE UNIQUE INDEX "receipt_counts_once" ON "receipt"("job_id", "kind", "provider")
  WHERE "state" IN ('counted', 'batched', 'anchored');
