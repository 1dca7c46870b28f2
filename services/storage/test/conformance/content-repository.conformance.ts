import { contentIdOf } from "@aios/core-content-id/content-id";
import { type ContentId, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { expect, it } from "vitest";
import type { ContentRecord } from "../../src/domain/content.js";
import type { ContentRepository } from "../../src/domain/ports.js";

const NO_QUOTA = Number.POSITIVE_INFINITY;

function record(tenant: string, content: string, sizeBytes = 10): ContentRecord {
  return {
    tenantId: tenant as TenantId,
    cid: contentIdOf(new TextEncoder().encode(content)),
    sizeBytes,
    metadata: { category: "model", encrypted: true, mediaType: "application/octet-stream" },
    createdAt: 1_800_000_000_000 as TimestampMs,
  };
}

async function all(source: AsyncIterable<ContentId>): Promise<ContentId[]> {
  const found: ContentId[] = [];
  for await (const cid of source) found.push(cid);
  return found;
}

/** What every `ContentRepository` does. `crash` ends its backend in the middle and brings it back. */
export function contentRepositoryConformance(
  open: () => ContentRepository,
  crash: () => Promise<void>,
): void {
  it("names the first contributor as the owner, whoever claims the content later", async () => {
    const first = record("account:a", "shared");
    expect(await open().add(first, NO_QUOTA)).toEqual({ known: false });
    expect(await open().add(record("account:b", "shared"), NO_QUOTA)).toEqual({ known: true });
    expect(await open().add(first, NO_QUOTA)).toEqual({ known: true });
    await crash();
    expect(await open().findFirst(first.cid)).toEqual(first);
    expect(await open().findFirst(record("", "nobody's").cid)).toBeUndefined();
  });

  it("holds a tenant to its quota, however its claims come, and counts a content once", async () => {
    const claims = Array.from({ length: 8 }, (_, at) => record("account:q", `quota ${at}`, 100));
    const results = await Promise.allSettled(claims.map((claim) => open().add(claim, 300)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    for (const result of results) {
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ code: "storage-quota-exceeded" });
    }
    const [kept] = claims.filter((_, at) => results[at]?.status === "fulfilled");
    if (kept !== undefined) await open().add(kept, 300);
    await expect(open().add(record("account:q", "one more", 1), 300)).rejects.toMatchObject({
      code: "storage-quota-exceeded",
    });
    await open().add(record("account:r", "another's room", 300), 300);
  });

  it("walks over every claim, also in steps smaller than their number", async () => {
    const claims = Array.from({ length: 7 }, (_, at) => record("account:w", `walk ${at}`));
    for (const claim of claims) await open().add(claim, NO_QUOTA);
    await crash();
    const found = await all(open().claimed(3));
    for (const { cid } of claims) expect(found).toContain(cid);
    expect(await all(open().claimed(1_000))).toEqual(found);
  });
}
