CREATE TABLE "sign_in_nonce" (
  "nonce" TEXT NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  "used_at" TIMESTAMPTZ(3),
  CONSTRAINT "sign_in_nonce_pkey" PRIMARY KEY ("nonce")
);
CREATE INDEX "sign_in_nonce_expires_at_idx" ON "sign_in_nonce" ("expires_at");

CREATE TABLE "revoked_session" (
  "session_id" TEXT NOT NULL,
  "tenant" TEXT NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "revoked_session_pkey" PRIMARY KEY ("session_id")
);
CREATE INDEX "revoked_session_expires_at_idx" ON "revoked_session" ("expires_at");

CREATE TABLE "idempotency_record" (
  "tenant" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "request_hash" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "claim" TEXT NOT NULL,
  "claimed_until" TIMESTAMPTZ(3) NOT NULL,
  "status" INTEGER,
  "content_type" TEXT,
  "body" TEXT,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "idempotency_record_pkey" PRIMARY KEY ("tenant", "key")
);
CREATE INDEX "idempotency_record_expires_at_idx" ON "idempotency_record" ("expires_at");
