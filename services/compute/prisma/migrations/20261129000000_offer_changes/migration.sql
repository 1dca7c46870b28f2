CREATE TABLE "offer_change" (
  "seq" BIGSERIAL NOT NULL,
  "tenant" TEXT NOT NULL,
  "provider" TEXT NOT NULL,
  "changed_at_ms" BIGINT NOT NULL,
  "offer" TEXT NOT NULL,
  CONSTRAINT "offer_change_pkey" PRIMARY KEY ("seq")
);
CREATE INDEX "offer_change_provider_seq_idx" ON "offer_change"("provider", "seq");

ALTER TABLE "placement" ADD COLUMN "market_head" BIGINT;
CREATE INDEX "placement_decided_at_ms_idx" ON "placement"("decided_at_ms");
CREATE INDEX "placement_market_head_idx" ON "placement"("market_head");
