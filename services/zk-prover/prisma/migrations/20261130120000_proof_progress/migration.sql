-- What its holder last said, with the holder's fencing token; for display only.
ALTER TABLE "proof_job" ADD COLUMN "progress" JSONB;
