ALTER TABLE "model_draft" ADD COLUMN "wants_honk_key" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "model_draft" ADD COLUMN "honk_key_hash" TEXT;
ALTER TABLE "model_draft" ADD COLUMN "honk_key_cid" TEXT;
ALTER TABLE "model_draft" ADD COLUMN "honk_key_trust" TEXT;
ALTER TABLE "model_draft" ADD COLUMN "honk_error_code" TEXT;
ALTER TABLE "model_draft" ADD COLUMN "honk_error_message" TEXT;
ALTER TABLE "model_draft" ADD COLUMN "honk_error_details" TEXT;
