-- The defaults fill the column for a process of the version before, which does not name it.
ALTER TABLE "settled_job" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';
ALTER TABLE "anchor_batch" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';
