import { decryptContent, encryptContent, encryptUnguessable } from "@aios/core-sealing/content-encryption";
import { sealKey } from "@aios/core-sealing/sealed-key";
import type { KeyRelease, StoredContent, WrappingKey } from "./api-types.js";
import { type GatewayConnection, newIdempotencyKey } from "./gateway-connection.js";
import { fromHex, toHex } from "./hex.js";
import type { KeyCeremony } from "./model-api.js";
import { webRng } from "./web-rng.js";

export interface ContentDescription {
  /** "model", "job-input", "training-output", "data-set", … */
  readonly category: string;
  readonly encrypted: boolean;
  readonly mediaType?: string;
}

export interface EncryptedContent extends StoredContent {
  /** AES-256 key; whoever has it reads the content. It never leaves this process unsealed. */
  readonly contentKey: Uint8Array;
}

export interface KeyDeposit {
  readonly cid: string;
  readonly contentKey: Uint8Array;
  /** Jobs that may use the key: "licensed-jobs", or "job:<job id>". */
  readonly leaseScopes: readonly string[];
  /** Platform purposes allowed beyond leases: "proving-key-setup", "proof". */
  readonly servicePurposes: readonly string[];
}

/** What `aios ceremony finalise` wrote, and the powers of tau that it began from. */
export interface CeremonyFiles {
  /** `transcript.json`. */
  readonly transcript: Uint8Array;
  /** `key.bin`. */
  readonly provingKey: Uint8Array;
  readonly powers: Uint8Array;
}

/** Bytes by content identifier, and the keys of encrypted ones. */
export class ContentApi {
  readonly #connection: GatewayConnection;

  constructor(connection: GatewayConnection) {
    this.#connection = connection;
  }

  /** Stores bytes as they are. Same bytes, same CID. */
  put(
    bytes: Uint8Array,
    description: ContentDescription,
    idempotencyKey = newIdempotencyKey(),
  ): Promise<StoredContent> {
    return this.#connection.signed<StoredContent>({
      method: "POST",
      path: "/v1/content",
      bytes,
      idempotencyKey,
      headers: {
        "content-type": "application/octet-stream",
        "x-aios-category": description.category,
        "x-aios-encrypted": String(description.encrypted),
        ...(description.mediaType === undefined ? {} : { "x-aios-media-type": description.mediaType }),
      },
    });
  }

  /** Encrypts under a fresh key here, stores the ciphertext, returns the key. */
  async putEncrypted(plaintext: Uint8Array, category: string): Promise<EncryptedContent> {
    const contentKey = webRng.bytes(32);
    const ciphertext = encryptContent(contentKey, plaintext, webRng);
    return { ...(await this.put(ciphertext, { category, encrypted: true })), contentKey };
  }

  /**
   * As `putEncrypted`, under a key that follows from content and account: stored again after an interruption it is the same
   * content under the same key. For contents that nobody can guess, such as a model with its salt.
   */
  async putUnguessable(plaintext: Uint8Array, category: string): Promise<EncryptedContent> {
    const account = this.#connection.signer.address.toLowerCase();
    const { contentKey, ciphertext } = encryptUnguessable(plaintext, `${category}:${account}`);
    return { ...(await this.put(ciphertext, { category, encrypted: true })), contentKey };
  }

  /**
   * Stores a finished ceremony: transcript and powers of tau for everybody, the proving key encrypted, to be released to
   * the prover that verifies it. What `ModelDraft.ceremony` names.
   */
  async putCeremony(files: CeremonyFiles): Promise<KeyCeremony> {
    const open = (bytes: Uint8Array, mediaType: string): Promise<StoredContent> =>
      this.put(bytes, { category: "proving-key", encrypted: false, mediaType });
    const provingKey = await this.putEncrypted(files.provingKey, "proving-key");
    await this.depositKey({
      cid: provingKey.cid,
      contentKey: provingKey.contentKey,
      leaseScopes: [],
      servicePurposes: ["proving-key-setup"],
    });
    const transcript = await open(files.transcript, "application/json");
    const powers = await open(files.powers, "application/octet-stream");
    return { transcriptCid: transcript.cid, provingKeyCid: provingKey.cid, powersCid: powers.cid };
  }

  /** The stored bytes: ciphertext where the content is encrypted. */
  get(cid: string): Promise<Uint8Array> {
    return this.#connection.transport.bytes({
      method: "GET",
      path: `/v1/content/${encodeURIComponent(cid)}`,
    });
  }

  /** Fetches and decrypts. Throws where the key is another one or the bytes were changed. */
  async getDecrypted(cid: string, contentKey: Uint8Array): Promise<Uint8Array> {
    return decryptContent(contentKey, await this.get(cid));
  }

  /** The key that owners seal content keys to. */
  wrappingKey(): Promise<WrappingKey> {
    return this.#connection.signed<WrappingKey>({ method: "GET", path: "/v1/content-keys/wrapping-key" });
  }

  /** Seals the content key to the key service, with what the owner allows it to be released for. */
  async depositKey(deposit: KeyDeposit, idempotencyKey = newIdempotencyKey()): Promise<void> {
    const wrapping = await this.wrappingKey();
    const sealed = sealKey(deposit.contentKey, fromHex(wrapping.publicKey), `deposit:${deposit.cid}`, webRng);
    await this.#connection.signed({
      method: "POST",
      path: "/v1/content-keys",
      idempotencyKey,
      json: {
        cid: deposit.cid,
        keyId: wrapping.keyId,
        sealedKey: {
          ephemeralPublicKey: toHex(sealed.ephemeralPublicKey),
          nonce: toHex(sealed.nonce),
          ciphertext: toHex(sealed.ciphertext),
        },
        leaseScopes: deposit.leaseScopes,
        servicePurposes: deposit.servicePurposes,
      },
    });
  }

  /** Every release of the content's key: to whom, for what, when. For the owner only. */
  async releases(cid: string): Promise<readonly KeyRelease[]> {
    const answer = await this.#connection.signed<{ releases: KeyRelease[] }>({
      method: "GET",
      path: `/v1/content-keys/${encodeURIComponent(cid)}/releases`,
    });
    return answer.releases;
  }
}
