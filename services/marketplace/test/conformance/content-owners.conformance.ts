import { contentIdOf } from "@aios/core-content-id/content-id";
import type { TenantId } from "@aios/kernel/identifiers";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContentOwners } from "../../src/domain/ports.js";

export interface ContentOwnersUnderTest {
  readonly owners: ContentOwners;
  readonly peer: Peer;
  /** Stores bytes for one of two accounts, and answers that account's tenant. */
  store(bytes: Uint8Array, account: "first" | "second"): Promise<TenantId>;
  close(): Promise<void>;
}

/** What every `ContentOwners` does. */
export function contentOwnersConformance(name: string, open: () => Promise<ContentOwnersUnderTest>): void {
  describe(`${name} as ContentOwners`, () => {
    let subject: ContentOwnersUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("names who stored a content first, whoever stores it again", async () => {
      const bytes = Uint8Array.of(1, 2, 3);
      const first = await subject.store(bytes, "first");
      expect(await subject.store(bytes, "second")).not.toBe(first);
      expect(await subject.owners.ownerOf(contentIdOf(bytes))).toBe(first);
      const own = Uint8Array.of(4);
      const second = await subject.store(own, "second");
      expect(await subject.owners.ownerOf(contentIdOf(own))).toBe(second);
    });

    it("knows no owner of what nobody stored", async () => {
      await expect(subject.owners.ownerOf(contentIdOf(Uint8Array.of(9)))).rejects.toMatchObject({
        code: "content-not-found",
        kind: "not-found",
      });
    });

    it("says when storage is away, and names the same owner when it is back", async () => {
      const bytes = Uint8Array.of(5, 6);
      await subject.store(bytes, "first");
      await expectOutageSurvived(subject.peer, () => subject.owners.ownerOf(contentIdOf(bytes)));
    });
  });
}
