import { assertContentId, contentId } from "@aios/core-content-id/content-id";
import { generateSealingKeyPair, openKey } from "@aios/core-sealing/sealed-key";
import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { durationMs } from "@aios/kernel/units";
import {
  ContentKeyServiceService,
  ContentServiceService,
  type PutContentRequest,
} from "@aios/proto/aios/storage/v1/storage";
import { createGrpcClient, type GrpcClient, type GrpcClientOptions } from "@aios/service-kit/grpc-client";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import { contentTooLarge } from "../../domain/errors.js";
import type { Contents, LeaseRef } from "../../domain/ports.js";

const LARGEST_CONTENT_BYTES = 256 * 1024 * 1024;
const CHUNK_BYTES = 512 * 1024;
const ATTEMPT_DEADLINE_MS = 30_000;
const RETRY_DELAYS_MS = [200, 500, 1_000, 2_000, 4_000, 8_000];

/** How services are known on the wire; empty for plain connections. */
export type WireSecurity = Pick<GrpcClientOptions, "channelCredentials">;

/** Storage over gRPC, with the session token that compute gave. Waits out short outages of storage. */
export class GrpcContents implements Contents, Disposable {
  readonly #contents: GrpcClient<typeof ContentServiceService>;
  readonly #keys: GrpcClient<typeof ContentKeyServiceService>;
  readonly #rng: Rng;
  readonly #clock: Clock;

  constructor(url: string, sessionToken: () => string, rng: Rng, clock: Clock, tls: WireSecurity = {}) {
    const options = {
      ...tls,
      audience: "storage",
      identity: { issue: async () => sessionToken() },
      deadlineMs: ATTEMPT_DEADLINE_MS,
    };
    this.#contents = createGrpcClient(ContentServiceService, url, options);
    this.#keys = createGrpcClient(ContentKeyServiceService, url, options);
    this.#rng = rng;
    this.#clock = clock;
  }

  fetch(cid: ContentId, signal: AbortSignal): Promise<Uint8Array> {
    return this.#patiently(signal, async () => {
      const parts: Uint8Array[] = [];
      let sizeBytes = 0;
      for await (const { chunk } of this.#contents.getContent(
        { cid },
        { signal, deadlineMs: ATTEMPT_DEADLINE_MS },
      )) {
        if (chunk === undefined) continue;
        sizeBytes += chunk.length;
        if (sizeBytes > LARGEST_CONTENT_BYTES) throw contentTooLarge(LARGEST_CONTENT_BYTES);
        parts.push(chunk);
      }
      const bytes = new Uint8Array(Buffer.concat(parts));
      assertContentId(bytes, cid);
      return bytes;
    });
  }

  fetchKey(cid: ContentId, lease: LeaseRef, signal: AbortSignal): Promise<Uint8Array> {
    return this.#patiently(signal, async () => {
      const pair = generateSealingKeyPair(this.#rng, systemKeyAgreement);
      const request = { cid, recipientPublicKey: pair.publicKey, lease: { ...lease } };
      const { sealedKey } = await this.#keys.releaseKey(request, { signal });
      if (sealedKey === undefined) throw missingKey(cid);
      return openKey(sealedKey, pair.privateKey, `release:${cid}`, systemKeyAgreement);
    });
  }

  store(category: "training-output", ciphertext: Uint8Array, signal: AbortSignal): Promise<ContentId> {
    return this.#patiently(signal, async () => {
      const stored = await this.#contents.putContent(uploadOf(category, ciphertext), {
        signal,
        deadlineMs: ATTEMPT_DEADLINE_MS,
      });
      const cid = contentId(stored.cid);
      assertContentId(ciphertext, cid);
      return cid;
    });
  }

  [Symbol.dispose](): void {
    this.#contents[Symbol.dispose]();
    this.#keys[Symbol.dispose]();
  }

  /** Storing again and asking again are harmless: contents are named by hash, each release gets its own key pair. */
  async #patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        const delayMs = RETRY_DELAYS_MS[attempt];
        const passing =
          isCodedError(error) && (error.kind === "unavailable" || error.code === "invalid-token");
        if (!passing || delayMs === undefined) throw error;
        await this.#clock.wait(durationMs(delayMs), signal);
      }
    }
  }
}

async function* uploadOf(category: string, bytes: Uint8Array): AsyncGenerator<PutContentRequest> {
  yield { metadata: { category, encrypted: true, mediaType: "application/octet-stream" } };
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    yield { chunk: bytes.subarray(offset, offset + CHUNK_BYTES) };
  }
}

function missingKey(cid: string): CodedError {
  return new CodedError({
    code: "key-missing",
    kind: "internal",
    message: "Storage released no key.",
    details: { cid },
  });
}
