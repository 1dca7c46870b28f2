import { sealKey } from "@aios/core-sealing/sealed-key";
import type { ContentId, JobId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import type {
  ContentKeyServiceService,
  ContentServiceService,
  PutContentRequest,
} from "@aios/proto/aios/storage/v1/storage";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import type { InputVault } from "../../domain/ports.js";

const CHUNK_BYTES = 512 * 1024;

/** Encrypted inputs on storage, their keys with its key service. */
export class StorageInputVault implements InputVault {
  readonly #contents: GrpcClient<typeof ContentServiceService>;
  readonly #keys: GrpcClient<typeof ContentKeyServiceService>;
  readonly #rng: Rng;

  constructor(
    contents: GrpcClient<typeof ContentServiceService>,
    keys: GrpcClient<typeof ContentKeyServiceService>,
    rng: Rng,
  ) {
    this.#contents = contents;
    this.#keys = keys;
    this.#rng = rng;
  }

  async put(ciphertext: Uint8Array): Promise<ContentId> {
    const { cid } = await this.#contents.putContent(messages(ciphertext));
    return cid as ContentId;
  }

  async depositKey(cid: ContentId, contentKey: Uint8Array, jobId: JobId): Promise<void> {
    const { publicKey, keyId } = await this.#keys.getWrappingKey({});
    await this.#keys.depositKey(
      {
        cid,
        keyId,
        sealedKey: sealKey(contentKey, publicKey, `deposit:${cid}`, this.#rng, systemKeyAgreement),
        servicePurposes: ["proof"],
        leaseScopes: [`job:${jobId}`],
      },
      { idempotent: true },
    );
  }
}

async function* messages(bytes: Uint8Array): AsyncGenerator<PutContentRequest> {
  yield { metadata: { category: "job-input", encrypted: true, mediaType: "application/octet-stream" } };
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES)
    yield { chunk: bytes.subarray(offset, offset + CHUNK_BYTES) };
}
