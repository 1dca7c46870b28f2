import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { sealKey } from "@aios/core-sealing/sealed-key";
import { type Address, tenantOfAccount } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import type {
  ContentKeyServiceService,
  ContentServiceService,
  ListReleasesResponse,
  PutContentRequest,
} from "@aios/proto/aios/storage/v1/storage";
import { actingFor } from "@aios/service-kit/caller-context";
import type { GrpcClient } from "@aios/service-kit/grpc-client";

const CHUNK_BYTES = 256 * 1024;

/** Clients of the storage service that call as the gateway. */
export interface StorageClients {
  readonly contents: GrpcClient<typeof ContentServiceService>;
  readonly keys: GrpcClient<typeof ContentKeyServiceService>;
}

/** What an owner lets others use a content's key for. */
export interface Grants {
  readonly servicePurposes?: readonly string[];
  readonly leaseScopes?: readonly string[];
}

/** An account that keeps encrypted contents with the storage service, through the gateway. */
export class ContentOwner {
  readonly #rng = new SeededRng(21);

  constructor(
    private readonly account: Address,
    private readonly clients: StorageClients,
  ) {}

  /** Stores bytes as they are; answers their CID. */
  async store(bytes: Uint8Array, category = "model"): Promise<string> {
    return (await this.#acting(() => this.clients.contents.putContent(upload(bytes, category)))).cid;
  }

  /** Encrypts, stores, and hands the content's key to the key service; answers the CID of the ciphertext. */
  async deposit(
    plaintext: Uint8Array,
    { servicePurposes = [], leaseScopes = [] }: Grants,
    category = "model",
  ): Promise<string> {
    const key = generateContentKey(this.#rng);
    const cid = await this.store(encryptContent(key, plaintext, this.#rng), category);
    const { publicKey, keyId } = await this.clients.keys.getWrappingKey({});
    const sealedKey = sealKey(key, publicKey, `deposit:${cid}`, this.#rng);
    const deposit = {
      cid,
      keyId,
      sealedKey,
      servicePurposes: [...servicePurposes],
      leaseScopes: [...leaseScopes],
    };
    await this.#acting(() => this.clients.keys.depositKey(deposit));
    return cid;
  }

  /** The log of releases of the content's key, newest first. */
  async releases(cid: string): Promise<ListReleasesResponse["releases"]> {
    return (await this.#acting(() => this.clients.keys.listReleases({ cid }))).releases;
  }

  #acting<T>(work: () => Promise<T>): Promise<T> {
    return actingFor({ account: this.account, tenant: tenantOfAccount(this.account) }, work);
  }
}

async function* upload(bytes: Uint8Array, category: string): AsyncGenerator<PutContentRequest> {
  yield { metadata: { category, encrypted: true, mediaType: "" } };
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    yield { chunk: bytes.subarray(at, at + CHUNK_BYTES) };
}
