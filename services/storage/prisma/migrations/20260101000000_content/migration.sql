CREATE TABLE "content" (
  "sequence" BIGSERIAL NOT NULL,
  "tenant_id" TEXT NOT NULL,
  "cid" TEXT NOT NULL,
  "size_bytes" BIGINT NOT NULL CHECK ("size_bytes" >= 0),
  "category" TEXT NOT NULL,
  "encrypted" BOOLEAN NOT NULL,
  "media_type" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "content_pkey" PRIMARY KEY ("tenant_id", "cid")
);
CREATE UNIQUE INDEX "content_sequence_key" ON "content" ("sequence");
CREATE INDEX "content_cid_sequence_idx" ON "content" ("cid", "sequence");

CREATE TABLE "deposited_key" (
  "tenant_id" TEXT NOT NULL,
  "cid" TEXT NOT NULL,
  "key_id" TEXT NOT NULL,
  "ephemeral_public_key" BYTEA NOT NULL,
  "nonce" BYTEA NOT NULL,
  "ciphertext" BYTEA NOT NULL,
  "service_purposes" TEXT[] NOT NULL,
  "lease_scopes" TEXT[] NOT NULL,
  "deposited_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "deposited_key_pkey" PRIMARY KEY ("tenant_id", "cid"),
  CONSTRAINT "deposited_key_content_fkey" FOREIGN KEY ("tenant_id", "cid") REFERENCES "content" ("tenant_id", "cid")
);

CREATE TABLE "key_release" (
  "sequence" BIGSERIAL NOT NULL,
  "release_id" UUID NOT NULL,
  "tenant_id" TEXT NOT NULL,
  "cid" TEXT NOT NULL,
  "recipient" TEXT NOT NULL,
  "recipient_public_key" BYTEA NOT NULL,
  "purpose" TEXT NOT NULL,
  "job_id" TEXT NOT NULL,
  "fencing_token" BIGINT NOT NULL,
  "released_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "key_release_pkey" PRIMARY KEY ("sequence")
);
CREATE UNIQUE INDEX "key_release_release_id_key" ON "key_release" ("release_id");
CREATE INDEX "key_release_tenant_id_cid_sequence_idx" ON "key_release" ("tenant_id", "cid", "sequence");

CREATE FUNCTION "refuse_change_of_key_release"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'key releases are a log: rows are never changed or deleted';
END;
$$;
CREATE TRIGGER "key_release_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "key_release"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change_of_key_release"();
