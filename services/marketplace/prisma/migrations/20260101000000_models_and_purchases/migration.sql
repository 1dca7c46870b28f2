CREATE TABLE "model_draft" (
  "draft_id" UUID NOT NULL,
  "sequence" BIGSERIAL NOT NULL,
  "tenant" TEXT NOT NULL,
  "owner" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "description" TEXT NOT NULL,
  "content_cid" TEXT NOT NULL,
  "model_commitment" TEXT NOT NULL,
  "licence_price_wei" TEXT NOT NULL,
  "royalty_bps" INTEGER NOT NULL,
  "usage_fee_wei" TEXT NOT NULL,
  "report_json" TEXT NOT NULL,
  "request_hash" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "verifying_key_hash" TEXT,
  "verifying_key_cid" TEXT,
  "key_trust" TEXT,
  "publication_nonce" TEXT,
  "publication_deadline" BIGINT,
  "publication_signature" BYTEA,
  "model_id" BIGINT,
  "transaction_hash" TEXT,
  "error_code" TEXT,
  "error_message" TEXT,
  "error_details" TEXT,
  "created_at_ms" BIGINT NOT NULL,
  "updated_at_ms" BIGINT NOT NULL,
  CONSTRAINT "model_draft_pkey" PRIMARY KEY ("draft_id"),
  CONSTRAINT "model_draft_state"
    CHECK ("state" IN ('draft', 'setting-up-keys', 'ready', 'publishing', 'published', 'failed'))
);
CREATE UNIQUE INDEX "model_draft_sequence_key" ON "model_draft"("sequence");
CREATE UNIQUE INDEX "model_draft_owner_model_commitment_key" ON "model_draft"("owner", "model_commitment");
CREATE UNIQUE INDEX "model_draft_model_id_key" ON "model_draft"("model_id");
CREATE INDEX "model_draft_model_commitment_idx" ON "model_draft"("model_commitment");
CREATE INDEX "model_draft_state_sequence_idx" ON "model_draft"("state", "sequence");

CREATE TABLE "licence" (
  "licence_id" BIGINT NOT NULL,
  "model_id" BIGINT NOT NULL,
  "owner" TEXT NOT NULL,
  "price_wei" TEXT NOT NULL,
  "transaction_hash" TEXT NOT NULL,
  CONSTRAINT "licence_pkey" PRIMARY KEY ("licence_id")
);
CREATE INDEX "licence_model_id_owner_idx" ON "licence"("model_id", "owner");

CREATE TABLE "purchase" (
  "purchase_id" UUID NOT NULL,
  "sequence" BIGSERIAL NOT NULL,
  "tenant" TEXT NOT NULL,
  "buyer" TEXT NOT NULL,
  "model_id" BIGINT NOT NULL,
  "price_wei" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "nonce" TEXT NOT NULL,
  "deadline" BIGINT NOT NULL,
  "permit_nonce" TEXT NOT NULL,
  "purchase_signature" BYTEA,
  "permit_signature" BYTEA,
  "licence_id" BIGINT,
  "transaction_hash" TEXT,
  "error_code" TEXT,
  "error_message" TEXT,
  "error_details" TEXT,
  "created_at_ms" BIGINT NOT NULL,
  "updated_at_ms" BIGINT NOT NULL,
  CONSTRAINT "purchase_pkey" PRIMARY KEY ("purchase_id"),
  CONSTRAINT "purchase_state" CHECK ("state" IN ('prepared', 'submitted', 'owned', 'failed'))
);
CREATE UNIQUE INDEX "purchase_sequence_key" ON "purchase"("sequence");
CREATE INDEX "purchase_buyer_model_id_state_idx" ON "purchase"("buyer", "model_id", "state");
CREATE INDEX "purchase_state_idx" ON "purchase"("state");
-- One purchase of a model by a buyer is under way at a time: a repeated request meets the first.
CREATE UNIQUE INDEX "purchase_one_under_way" ON "purchase"("buyer", "model_id") WHERE "state" IN ('prepared', 'submitted');
