-- Replicas from before this ask for and take Groth16 work only where no other is there: replace them before the
-- marketplace and compute ask for UltraHonk.
ALTER TABLE "model_key" ADD COLUMN "proof_system" TEXT NOT NULL DEFAULT 'groth16';
ALTER TABLE "model_key" DROP CONSTRAINT "model_key_pkey", ADD CONSTRAINT "model_key_pkey" PRIMARY KEY ("model_commitment", "proof_system");
ALTER TABLE "proof_job" ADD COLUMN "proof_system" TEXT NOT NULL DEFAULT 'groth16';
-- UltraHonk has no proving key.
ALTER TABLE "model_key" DROP CONSTRAINT "model_key_ready", ADD CONSTRAINT "model_key_ready" CHECK ("state" <> 'ready' OR ("verifying_key" IS NOT NULL AND ("proof_system" <> 'groth16' OR ("proving_key_hash" IS NOT NULL AND "proving_key_cid" IS NOT NULL))));
