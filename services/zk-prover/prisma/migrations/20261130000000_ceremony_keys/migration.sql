ALTER TABLE "model_key" ADD COLUMN "ceremony_transcript_cid" TEXT;
ALTER TABLE "model_key" ADD COLUMN "ceremony_key_cid" TEXT;
ALTER TABLE "model_key" ADD COLUMN "ceremony_powers_cid" TEXT;
ALTER TABLE "model_key" ADD COLUMN "ceremony_transcript_hash" BYTEA;
