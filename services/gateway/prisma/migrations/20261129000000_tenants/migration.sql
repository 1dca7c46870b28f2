-- The default fills the column for a process of the version before, which does not name it.
ALTER TABLE "sign_in_nonce" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';
