import { decryptContent } from "@aios/core-sealing/content-encryption";
import { generateSealingKeyPair, openKey } from "@aios/core-sealing/sealed-key";
import { CodedError } from "@aios/kernel/coded-error";
import type { JobId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import type {
  ContentKeyServiceService,
  ContentServiceService,
  PutContentRequest,
} from "@aios/proto/aios/storage/v1/storage";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import type { ContentStore, KeyPurpose } from "../../domain/ports.js";

const CHUNK_BYTES = 1024 * 1024;
const MAX_CONTENT_BYTES = 320 * 1024 * 1024;

export class StorageContentStore implements ContentStore {
  constructor(
    private readonly contents: GrpcClient<typeof ContentServiceService>,
    private readonly keys: GrpcClient<typeof ContentKeyServiceService>,
    private readonly rng: Rng,
    private readonly deadlineMs: number,
  ) {}

  async readSecret(
    cid: string,
    purpose: KeyPurpose,
    jobId: JobId | undefined,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const recipient = generateSealingKeyPair(this.rng, systemKeyAgreement);
    const [{ sealedKey }, ciphertext] = await Promise.all([
      this.keys.releaseKey(
        { cid, recipientPublicKey: recipient.publicKey, service: { purpose, jobId: jobId ?? "" } },
        { deadlineMs: this.deadlineMs, signal, idempotent: true },
      ),
      this.read(cid, signal),
    ]);
    if (sealedKey === undefined) throw incomplete("a released key");
    const key = openKey(sealedKey, recipient.privateKey, `release:${cid}`, systemKeyAgreement);
    try {
      return decryptContent(key, ciphertext);
    } finally {
      key.fill(0);
      recipient.privateKey.fill(0);
    }
  }

  async read(cid: string, signal: AbortSignal, maxBytes = MAX_CONTENT_BYTES): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let expected: number | undefined;
    let received = 0;
    for await (const { stat, chunk } of this.contents.getContent(
      { cid },
      { deadlineMs: this.deadlineMs, signal },
    )) {
      expected ??= stat?.sizeBytes;
      if (chunk === undefined) continue;
      received += chunk.length;
      if (received > maxBytes)
        throw new CodedError({
          code: "content-too-large",
          kind: "too-large",
          message: `The content is too large for the prover: it has more than ${maxBytes} bytes.`,
          details: { cid, maxBytes },
        });
      chunks.push(chunk);
    }
    if (expected !== undefined && expected !== received) throw incomplete("a content");
    return Buffer.concat(chunks);
  }

  async write(
    bytes: Uint8Array,
    category: "proof" | "proving-key",
    encrypted: boolean,
    signal: AbortSignal,
  ): Promise<string> {
    async function* parts(): AsyncGenerator<PutContentRequest> {
      yield { metadata: { category, encrypted, mediaType: "application/octet-stream" } };
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
        yield { chunk: bytes.subarray(at, at + CHUNK_BYTES) };
    }
    return (await this.contents.putContent(parts(), { deadlineMs: this.deadlineMs, signal })).cid;
  }
}

function incomplete(what: string): CodedError {
  return new CodedError({
    code: "storage-answer-incomplete",
    kind: "unavailable",
    message: `The storage service sent ${what} incompletely.`,
    retryAfterMs: 500,
  });
}
