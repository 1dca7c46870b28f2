-- Empty and 0 where the prover did not say.
ALTER TABLE "model_draft" ADD COLUMN "input_shape" INTEGER[] NOT NULL DEFAULT '{}';
ALTER TABLE "model_draft" ADD COLUMN "multiplications" BIGINT NOT NULL DEFAULT 0;
