import { createHash } from "node:crypto";
import {
  documentMissing,
  documentNotRegistered,
  documentTooLarge,
  persistedDocumentMismatch,
  persistedDocumentUnknown,
} from "./graph-errors.js";

export interface DocumentSettings {
  readonly maxBytes: number;
  /** Documents that callers may have kept under their hash; the longest unused makes room. */
  readonly mostPersisted: number;
  /** The operator's own documents, by id. */
  readonly registered: ReadonlyMap<string, string>;
  /** Whether nothing else is run. */
  readonly registeredOnly: boolean;
}

export interface DocumentRequest {
  readonly query?: string | undefined;
  /** Id of a registered document, or `sha256:` and the hash of a persisted one. */
  readonly documentId?: string | undefined;
  /** SHA-256 of the document in hex: Apollo's automatic persisted queries. */
  readonly sha256Hash?: string | undefined;
}

/** All persisted documents together, in characters: what they may take of the memory. */
const MOST_PERSISTED_CHARACTERS = 4 * 1024 * 1024;
const HASH_PREFIX = "sha256:";

/** Which document a request means: its own, one of the operator's, or one that some caller sent along with its hash before. */
export class Documents {
  /** In the order of their last use. */
  readonly #persisted = new Map<string, string>();
  readonly #registeredTexts: ReadonlySet<string>;
  #characters = 0;

  constructor(private readonly settings: DocumentSettings) {
    this.#registeredTexts = new Set(settings.registered.values());
  }

  /** The document's text. Throws a `document-…` or `persisted-query-…` error. */
  textOf(request: DocumentRequest): string {
    const id = request.documentId ?? request.sha256Hash;
    const registered = id === undefined ? undefined : this.#registered(id);
    if (registered !== undefined) return registered;
    const { query } = request;
    if (query !== undefined && Buffer.byteLength(query) > this.settings.maxBytes) {
      throw documentTooLarge(this.settings.maxBytes);
    }
    if (this.settings.registeredOnly) {
      if (query !== undefined && this.#registeredTexts.has(query)) return query;
      throw documentNotRegistered();
    }
    const hash = request.sha256Hash ?? hashOf(request.documentId);
    if (hash !== undefined) return query === undefined ? this.#recall(hash) : this.#keep(hash, query);
    if (request.documentId !== undefined) throw persistedDocumentUnknown();
    if (query === undefined || query === "") throw documentMissing();
    return query;
  }

  #registered(id: string): string | undefined {
    const { registered } = this.settings;
    return registered.get(id) ?? registered.get(hashOf(id) ?? id);
  }

  #recall(hash: string): string {
    const text = this.#persisted.get(hash);
    if (text === undefined) throw persistedDocumentUnknown();
    this.#persisted.delete(hash);
    this.#persisted.set(hash, text);
    return text;
  }

  #keep(hash: string, text: string): string {
    if (createHash("sha256").update(text).digest("hex") !== hash) throw persistedDocumentMismatch();
    this.#forget(hash);
    this.#persisted.set(hash, text);
    this.#characters += text.length;
    for (const oldest of this.#persisted.keys()) {
      const fits =
        this.#persisted.size <= this.settings.mostPersisted && this.#characters <= MOST_PERSISTED_CHARACTERS;
      if (fits) break;
      this.#forget(oldest);
    }
    return text;
  }

  #forget(hash: string): void {
    this.#characters -= this.#persisted.get(hash)?.length ?? 0;
    this.#persisted.delete(hash);
  }
}

function hashOf(documentId: string | undefined): string | undefined {
  return documentId?.startsWith(HASH_PREFIX) === true
    ? documentId.slice(HASH_PREFIX.length).toLowerCase()
    : undefined;
}
