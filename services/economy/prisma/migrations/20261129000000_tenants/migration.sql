-- The defaults and the trigger fill the column for a process of the version before, which does not name it.
ALTER TABLE "chain_identity" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';
ALTER TABLE "signer_account" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';
ALTER TABLE "indexed_block" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';
ALTER TABLE "contract_event" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT 'platform';

ALTER TABLE "transaction_attempt" ADD COLUMN "tenant" TEXT;
CREATE FUNCTION "fill_attempt_tenant"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT "tenant" INTO NEW."tenant" FROM "queued_transaction" WHERE "id" = NEW."transaction_id";
  RETURN NEW;
END $$;
CREATE TRIGGER "fill_attempt_tenant" BEFORE INSERT ON "transaction_attempt"
  FOR EACH ROW WHEN (NEW."tenant" IS NULL) EXECUTE FUNCTION "fill_attempt_tenant"();
UPDATE "transaction_attempt" SET "tenant" = "queued_transaction"."tenant"
  FROM "queued_transaction" WHERE "queued_transaction"."id" = "transaction_attempt"."transaction_id";
ALTER TABLE "transaction_attempt" ALTER COLUMN "tenant" SET NOT NULL;
