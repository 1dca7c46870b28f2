CREATE TABLE "job" (
  "job_id" TEXT NOT NULL,
  "tenant" TEXT NOT NULL,
  "buyer" TEXT NOT NULL,
  "idempotency_key" TEXT NOT NULL,
  "body_digest" TEXT NOT NULL,
  "input_salt" BYTEA NOT NULL,
  "kind" TEXT NOT NULL,
  "verification" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "created_at_ms" BIGINT NOT NULL,
  "updated_at_ms" BIGINT NOT NULL,
  "wake_at_ms" BIGINT,
  "traceparent" TEXT NOT NULL,
  "terms" JSONB NOT NULL,
  "body" JSONB NOT NULL,
  CONSTRAINT "job_pkey" PRIMARY KEY ("job_id"),
  CONSTRAINT "job_state_known" CHECK ("state" IN
    ('prepared', 'funding', 'funded', 'leased', 'delivered', 'pending', 'settled', 'refunded', 'failed'))
);
CREATE UNIQUE INDEX "job_buyer_idempotency_key_key" ON "job"("buyer", "idempotency_key");
CREATE INDEX "job_tenant_created_at_ms_job_id_idx" ON "job"("tenant", "created_at_ms", "job_id");
CREATE INDEX "job_wake_at_ms_idx" ON "job"("wake_at_ms");
CREATE INDEX "job_state_created_at_ms_idx" ON "job"("state", "created_at_ms");

CREATE TABLE "job_lease" (
  "job_id" TEXT NOT NULL,
  "fencing_token" INTEGER NOT NULL,
  "tenant" TEXT NOT NULL,
  "provider" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "offered_at_ms" BIGINT NOT NULL,
  "body" JSONB NOT NULL,
  CONSTRAINT "job_lease_pkey" PRIMARY KEY ("job_id", "fencing_token"),
  CONSTRAINT "job_lease_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "job"("job_id") ON DELETE CASCADE,
  CONSTRAINT "job_lease_state_known" CHECK ("state" IN ('offered', 'agreed', 'leased', 'computed', 'ended'))
);
CREATE INDEX "job_lease_provider_state_idx" ON "job_lease"("provider", "state");
CREATE INDEX "job_lease_tenant_offered_at_ms_idx" ON "job_lease"("tenant", "offered_at_ms");
-- Two live leases of one job are impossible, whatever the code does.
CREATE UNIQUE INDEX "job_lease_one_live" ON "job_lease"("job_id") WHERE "state" <> 'ended';

CREATE TABLE "placement" (
  "job_id" TEXT NOT NULL,
  "fencing_token" INTEGER NOT NULL,
  "tenant" TEXT NOT NULL,
  "decided_at_ms" BIGINT NOT NULL,
  "log" TEXT NOT NULL,
  CONSTRAINT "placement_pkey" PRIMARY KEY ("job_id", "fencing_token")
);

CREATE TABLE "provider" (
  "address" TEXT NOT NULL,
  "tenant" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "capabilities" JSONB NOT NULL,
  "self_test" JSONB NOT NULL,
  "price_wei" JSONB NOT NULL,
  "registered" BOOLEAN NOT NULL,
  "staked_wei" TEXT NOT NULL,
  "registration_transaction_hash" TEXT NOT NULL,
  "draining" BOOLEAN NOT NULL,
  "last_seen_ms" BIGINT NOT NULL,
  CONSTRAINT "provider_pkey" PRIMARY KEY ("address")
);

CREATE TABLE "provider_fault" (
  "job_id" TEXT NOT NULL,
  "fencing_token" INTEGER NOT NULL,
  "tenant" TEXT NOT NULL,
  "provider" TEXT NOT NULL,
  "reason" TEXT NOT NULL,
  "at_ms" BIGINT NOT NULL,
  CONSTRAINT "provider_fault_pkey" PRIMARY KEY ("job_id", "fencing_token")
);
CREATE INDEX "provider_fault_provider_at_ms_idx" ON "provider_fault"("provider", "at_ms");
