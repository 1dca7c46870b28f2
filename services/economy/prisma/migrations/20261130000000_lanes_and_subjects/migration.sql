-- The defaults fill the columns for a process of the version before, which does not name them.
ALTER TABLE "queued_transaction" ADD COLUMN "subject" TEXT NOT NULL DEFAULT '';
ALTER TABLE "queued_transaction" ADD COLUMN "lane" TEXT NOT NULL DEFAULT 'money';

-- What is settled is never asked for again: these hold only what is under way.
CREATE INDEX "queued_transaction_waiting" ON "queued_transaction"("signer", "lane", "sequence") WHERE "state" = 'queued';
CREATE INDEX "queued_transaction_unsettled_subject" ON "queued_transaction"("subject", "sequence") WHERE "state" IN ('queued', 'sent');
CREATE INDEX "queued_transaction_unsettled_tenant" ON "queued_transaction"("tenant", "sequence") WHERE "state" IN ('queued', 'sent');
CREATE INDEX "queued_transaction_sponsored" ON "queued_transaction"("subject", "created_at_ms") WHERE "lane" = 'sponsored';
