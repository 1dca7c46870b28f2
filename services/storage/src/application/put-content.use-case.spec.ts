import { ManualClock } from "@aios/kernel/clock";
import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type { ContentRepository, ContentStore } from "../domain/ports.js";
import { PutContent } from "./put-content.use-case.js";

it("keeps the last space for the platform's own work, whoever it is done for", async () => {
  let freeBytes = 100;
  const store: Pick<ContentStore, "put"> = {
    put: async (_source, accept) => {
      const stored = { cid: "bafk" as ContentId, sizeBytes: 1 };
      await accept(stored);
      return stored;
    },
  };
  const contents: Pick<ContentRepository, "add"> = { add: async () => ({ known: false }) };
  const limits = { contentBytes: 10, accountBytes: 10, reservedBytes: 100 };
  const put = new PutContent(
    store as ContentStore,
    contents as ContentRepository,
    new ManualClock(),
    limits,
    async () => freeBytes,
  );
  const upload = (origin: "public" | "platform") =>
    put.execute(
      "account:a" as TenantId,
      { category: "model", encrypted: true, mediaType: "application/octet-stream" },
      (async function* () {
        yield Uint8Array.of(1);
      })(),
      origin,
    );
  await expect(upload("public")).resolves.toMatchObject({ deduplicated: false });
  freeBytes = 99;
  await expect(upload("public")).rejects.toMatchObject({ code: "storage-full" });
  await expect(upload("platform")).resolves.toMatchObject({ deduplicated: false });
});
