-- The trigger fills the column for a process of the version before, which does not name it.
ALTER TABLE "licence" ADD COLUMN "tenant" TEXT;
CREATE FUNCTION "fill_licence_tenant"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."tenant" := 'account:' || NEW."owner";
  RETURN NEW;
END $$;
CREATE TRIGGER "fill_licence_tenant" BEFORE INSERT ON "licence"
  FOR EACH ROW WHEN (NEW."tenant" IS NULL) EXECUTE FUNCTION "fill_licence_tenant"();
UPDATE "licence" SET "tenant" = 'account:' || "owner";
ALTER TABLE "licence" ALTER COLUMN "tenant" SET NOT NULL;
CREATE INDEX "licence_tenant_model_id_owner_idx" ON "licence"("tenant", "model_id", "owner");
