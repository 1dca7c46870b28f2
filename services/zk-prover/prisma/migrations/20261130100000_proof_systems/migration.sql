-- Replicas of the release before know Groth16 alone and take what is open. Open UltraHonk work therefore has states of its
-- own ("queued:honk"), which they do not look for, and an UltraHonk key an id of its own ("<commitment>:honk"), which they
-- do not find. The lists of states come back once no such replica can be beside this one.
ALTER TABLE "model_key" DROP CONSTRAINT "model_key_state_check";
ALTER TABLE "proof_job" DROP CONSTRAINT "proof_job_state_check";
ALTER TABLE "proof_job" ADD COLUMN "proof_system" TEXT NOT NULL DEFAULT 'groth16';
