import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { KeyRelease } from "../domain/content-key.js";
import { contentNotFound, notContentOwner } from "../domain/errors.js";
import type { ContentKeyRepository, ContentRepository } from "../domain/ports.js";

const MOST_RELEASES = 1_000;

/** Who got the key of a content, for its owner. */
export class ListReleases {
  readonly #contents: ContentRepository;
  readonly #keys: ContentKeyRepository;

  constructor(contents: ContentRepository, keys: ContentKeyRepository) {
    this.#contents = contents;
    this.#keys = keys;
  }

  async execute(tenantId: TenantId, cid: ContentId): Promise<readonly KeyRelease[]> {
    const owned = await this.#contents.findFirst(cid);
    if (owned === undefined) throw contentNotFound(cid);
    if (owned.tenantId !== tenantId) throw notContentOwner(cid);
    return this.#keys.listReleases(tenantId, cid, MOST_RELEASES);
  }
}
