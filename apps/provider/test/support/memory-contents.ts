import { contentIdOf } from "@aios/core-content-id/content-id";
import type { Aead } from "@aios/core-sealing/aead";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { CodedError, type ErrorKind } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import type { Peer } from "@aios/testkit/peer";
import type { Contents, LeaseRef } from "../../src/domain/ports.js";

/** Storage as a provider sees it, in this process; killed and started again it keeps what it had. */
export class MemoryContents implements Contents, Peer {
  readonly #rng = new SeededRng(77);
  readonly #contents = new Map<ContentId, Uint8Array>();
  readonly #keys = new Map<ContentId, Uint8Array>();
  readonly #leases = new Map<string, readonly ContentId[]>();
  #isAway = false;

  constructor(private readonly aead?: Aead) {}

  /** Encrypts and stores; the key goes to leases that read it. */
  deposit(plaintext: Uint8Array): ContentId {
    const key = generateContentKey(this.#rng);
    const cid = this.#put(encryptContent(key, plaintext, this.#rng, this.aead));
    this.#keys.set(cid, key);
    return cid;
  }

  giveLease(lease: LeaseRef, cids: readonly ContentId[]): void {
    this.#leases.set(nameOf(lease), cids);
  }

  async fetch(cid: ContentId, signal: AbortSignal): Promise<Uint8Array> {
    await this.#enter(signal);
    const found = this.#contents.get(cid);
    if (found === undefined) throw refusal("content-not-found", "not-found");
    return found;
  }

  async fetchKey(cid: ContentId, lease: LeaseRef, signal: AbortSignal): Promise<Uint8Array> {
    await this.#enter(signal);
    const key = this.#keys.get(cid);
    if (key === undefined) throw refusal("content-not-found", "not-found");
    const cids = this.#leases.get(nameOf(lease));
    if (cids === undefined) throw refusal("lease-not-live", "forbidden");
    if (!cids.includes(cid)) throw refusal("content-not-in-lease", "forbidden");
    return key.slice();
  }

  async store(_category: "training-output", ciphertext: Uint8Array, signal: AbortSignal): Promise<ContentId> {
    await this.#enter(signal);
    return this.#put(ciphertext);
  }

  async kill(): Promise<void> {
    this.#isAway = true;
  }

  async restart(): Promise<void> {
    this.#isAway = false;
  }

  #put(bytes: Uint8Array): ContentId {
    const cid = contentIdOf(bytes);
    this.#contents.set(cid, bytes);
    return cid;
  }

  /** A turn later, as everything that goes over a network. */
  async #enter(signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (this.#isAway) throw refusal("peer-unavailable", "unavailable");
  }
}

function nameOf({ jobId, fencingToken }: LeaseRef): string {
  return `${jobId}:${fencingToken}`;
}

function refusal(code: string, kind: ErrorKind): CodedError {
  return new CodedError({ code, kind, message: `Refused: ${code}.` });
}
