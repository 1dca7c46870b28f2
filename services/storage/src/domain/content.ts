import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { invalidMetadata } from "./errors.js";

/** What a content is for. Bytes are addressed by hash alone; the category is the first contributor's word. */
export const CONTENT_CATEGORIES = [
  "model",
  "job-input",
  "job-output",
  "training-output",
  "proof",
  "proving-key",
  "data-set",
] as const;
export type ContentCategory = (typeof CONTENT_CATEGORIES)[number];

export interface ContentMetadata {
  readonly category: ContentCategory;
  /** True when the bytes are ciphertext whose key is held elsewhere. Anyone with the CID can read plain contents. */
  readonly encrypted: boolean;
  readonly mediaType: string;
}

/** One tenant's claim to a content. */
export interface ContentRecord {
  readonly tenantId: TenantId;
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly metadata: ContentMetadata;
  readonly createdAt: TimestampMs;
}

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;

/** Checks metadata from outside; an empty media type is `application/octet-stream`. Throws `invalid-metadata`. */
export function contentMetadata(given: {
  readonly category: string;
  readonly encrypted: boolean;
  readonly mediaType: string;
}): ContentMetadata {
  const category = CONTENT_CATEGORIES.find((known) => known === given.category);
  if (category === undefined) throw invalidMetadata("category", `one of ${CONTENT_CATEGORIES.join(", ")}`);
  const mediaType = given.mediaType === "" ? "application/octet-stream" : given.mediaType.toLowerCase();
  if (!MEDIA_TYPE.test(mediaType))
    throw invalidMetadata("mediaType", "a media type such as application/octet-stream");
  return { category, encrypted: given.encrypted, mediaType };
}
