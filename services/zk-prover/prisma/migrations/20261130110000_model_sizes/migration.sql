-- Empty and 0 for keys from before.
ALTER TABLE "model_key" ADD COLUMN "input_shape" INTEGER[] NOT NULL DEFAULT '{}';
ALTER TABLE "model_key" ADD COLUMN "multiplications" BIGINT NOT NULL DEFAULT 0;
