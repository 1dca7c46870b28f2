CREATE TABLE "chain_identity" (
  "id" INTEGER NOT NULL DEFAULT 1,
  "chain_id" BIGINT NOT NULL,
  "genesis_hash" TEXT NOT NULL,
  "finalized_height" BIGINT NOT NULL DEFAULT -1,
  CONSTRAINT "chain_identity_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "chain_identity_one_row" CHECK ("id" = 1)
);

CREATE TABLE "signer_account" (
  "signer" TEXT NOT NULL,
  "address" TEXT NOT NULL,
  "next_nonce" BIGINT NOT NULL,
  CONSTRAINT "signer_account_pkey" PRIMARY KEY ("signer")
);
CREATE UNIQUE INDEX "signer_account_address_key" ON "signer_account"("address");

CREATE TABLE "queued_transaction" (
  "id" UUID NOT NULL,
  "sequence" BIGSERIAL NOT NULL,
  "caller" TEXT NOT NULL,
  "idempotency_key" TEXT NOT NULL,
  "request_hash" TEXT NOT NULL,
  "tenant" TEXT NOT NULL,
  "signer" TEXT NOT NULL,
  "contract" TEXT NOT NULL,
  "to_address" TEXT NOT NULL,
  "data" BYTEA NOT NULL,
  "value_wei" TEXT NOT NULL,
  "purpose" TEXT NOT NULL,
  "traceparent" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "nonce" BIGINT,
  "gas_limit" BIGINT,
  "mined_hash" TEXT,
  "block_number" BIGINT,
  "block_hash" TEXT,
  "gas_used" BIGINT,
  "error_code" TEXT,
  "error_message" TEXT,
  "error_details" TEXT,
  "created_at_ms" BIGINT NOT NULL,
  "updated_at_ms" BIGINT NOT NULL,
  CONSTRAINT "queued_transaction_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "queued_transaction_state" CHECK ("state" IN ('queued', 'sent', 'mined', 'final', 'failed'))
);
CREATE UNIQUE INDEX "queued_transaction_sequence_key" ON "queued_transaction"("sequence");
CREATE UNIQUE INDEX "queued_transaction_caller_idempotency_key_key" ON "queued_transaction"("caller", "idempotency_key");
CREATE UNIQUE INDEX "queued_transaction_signer_nonce_key" ON "queued_transaction"("signer", "nonce");
CREATE INDEX "queued_transaction_state_signer_sequence_idx" ON "queued_transaction"("state", "signer", "sequence");
CREATE INDEX "queued_transaction_block_hash_idx" ON "queued_transaction"("block_hash");

CREATE TABLE "transaction_attempt" (
  "hash" TEXT NOT NULL,
  "transaction_id" UUID NOT NULL,
  "number" INTEGER NOT NULL,
  "raw_transaction" BYTEA NOT NULL,
  "max_fee_per_gas_wei" TEXT NOT NULL,
  "max_priority_fee_per_gas_wei" TEXT NOT NULL,
  "broadcast_at_ms" BIGINT,
  "created_at_ms" BIGINT NOT NULL,
  CONSTRAINT "transaction_attempt_pkey" PRIMARY KEY ("hash"),
  CONSTRAINT "transaction_attempt_transaction_id_fkey" FOREIGN KEY ("transaction_id")
    REFERENCES "queued_transaction"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "transaction_attempt_transaction_id_number_key" ON "transaction_attempt"("transaction_id", "number");

CREATE TABLE "indexed_block" (
  "number" BIGINT NOT NULL,
  "hash" TEXT NOT NULL,
  "parent_hash" TEXT NOT NULL,
  "timestamp_seconds" BIGINT NOT NULL,
  CONSTRAINT "indexed_block_pkey" PRIMARY KEY ("number")
);
CREATE UNIQUE INDEX "indexed_block_hash_key" ON "indexed_block"("hash");

CREATE TABLE "contract_event" (
  "block_hash" TEXT NOT NULL,
  "log_index" INTEGER NOT NULL,
  "block_number" BIGINT NOT NULL,
  "timestamp_seconds" BIGINT NOT NULL,
  "transaction_hash" TEXT NOT NULL,
  "gas_used" BIGINT NOT NULL,
  "contract" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "args" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  CONSTRAINT "contract_event_pkey" PRIMARY KEY ("block_hash", "log_index")
);
CREATE INDEX "contract_event_subject_block_number_log_index_idx" ON "contract_event"("subject", "block_number", "log_index");
CREATE INDEX "contract_event_block_number_idx" ON "contract_event"("block_number");
