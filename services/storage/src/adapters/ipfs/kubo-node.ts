import { createHash } from "node:crypto";
import { CHUNK_BYTES, MAX_CHILDREN } from "@aios/core-content-id/content-id";
import { isCodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { create, type KuboRPCClient } from "kubo-rpc-client";
import { CID } from "multiformats/cid";
import {
  contentBackendUnavailable,
  contentBackendUnfit,
  contentDamaged,
  contentNotFound,
  storageFull,
} from "../../domain/errors.js";

export interface KuboSettings {
  /** Address of the RPC; a user and a password in it go as Basic authorization. */
  readonly url: string;
  /** Longest wait for one answer, and for the node to take the next piece of an upload. */
  readonly timeoutMs: number;
}

/** The first version that can be told how many links a node of a file has. */
const OLDEST_VERSION = [0, 35] as const;
const SHA2_256 = 0x12;

/** UnixFS exactly as `@aios/core-content-id` computes it. */
const FILE_SHAPE = {
  cidVersion: 1 as const,
  rawLeaves: true,
  chunker: `size-${CHUNK_BYTES}`,
  maxFileLinks: MAX_CHILDREN,
  wrapWithDirectory: false,
};
/** The node looks in its own blocks only: what is not there is not here, and nobody on the network is asked. */
const OWN_BLOCKS = { offline: true };

/**
 * The part of Kubo's RPC (docs.ipfs.tech/reference/kubo/rpc) that contents need. Every call ends in bounded time and
 * throws coded errors: `content-backend-unavailable`, `storage-full`, `content-not-found`, `content-damaged`.
 */
export class KuboNode {
  readonly #client: KuboRPCClient;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs }: KuboSettings) {
    const address = new URL(url);
    const { username, password } = address;
    address.username = "";
    address.password = "";
    const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    this.#client = create({
      url: address,
      ...(username === "" ? {} : { headers: { authorization: `Basic ${credentials.toString("base64")}` } }),
    });
    this.#timeoutMs = timeoutMs;
  }

  /** Throws `content-backend-unfit` with what its operator has to do, or `content-backend-unavailable`. */
  async check(): Promise<void> {
    const { version } = await this.#ask((signal) => this.#client.version({ signal }));
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const isOld = major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1]);
    if (isOld)
      throw contentBackendUnfit(`Kubo ${OLDEST_VERSION.join(".")} or newer is needed, not ${version}.`);
  }

  /** Adds a file without pinning it. Rejects with what the source throws; the node then keeps nothing pinned of it. */
  async add(source: AsyncIterable<Uint8Array>): Promise<ContentId> {
    const ending = new AbortController();
    const patience = new Patience(this.#timeoutMs, ending);
    let failure: { readonly error: unknown } | undefined;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        for await (const piece of source) {
          patience.begin();
          yield piece;
          patience.end();
        }
        patience.begin();
      } catch (error) {
        failure = { error };
        throw error;
      }
    }
    try {
      const options = { ...FILE_SHAPE, ...OWN_BLOCKS, pin: false, signal: ending.signal };
      const { cid } = await this.#client.add(watched(), options);
      if (failure !== undefined) throw failure.error;
      return cid.toString() as ContentId;
    } catch (error) {
      throw failure === undefined ? failureOf(error) : failure.error;
    } finally {
      patience.end();
      ending.abort();
    }
  }

  /** Pins the file and all below it. Throws `content-not-found` where the node's garbage collection was faster. */
  async pin(cid: ContentId): Promise<void> {
    await this.#ask((signal) => this.#client.pin.add(CID.parse(cid), { signal, ...OWN_BLOCKS }), cid);
  }

  /** Nothing happens where it is not pinned. */
  async unpin(cid: ContentId): Promise<void> {
    try {
      await this.#ask((signal) => this.#client.pin.rm(CID.parse(cid), { signal }));
    } catch (error) {
      if (!isNotPinned(error)) throw error;
    }
  }

  async isPinned(cid: ContentId): Promise<boolean> {
    try {
      return await this.#ask(async (signal) => {
        const pins = this.#client.pin.ls({ paths: [CID.parse(cid)], type: "recursive", signal });
        for await (const pin of pins) if (pin.cid.toString() === cid) return true;
        return false;
      });
    } catch (error) {
      if (isNotPinned(error)) return false;
      throw error;
    }
  }

  /** A block that has its hash. Throws `content-not-found` or `content-damaged`. */
  async block(cid: CID): Promise<Uint8Array> {
    const bytes = await this.#ask(
      (signal) => this.#client.block.get(cid, { signal, ...OWN_BLOCKS }),
      cid.toString(),
    );
    const isWhole =
      cid.multihash.code === SHA2_256 &&
      createHash("sha256").update(bytes).digest().equals(cid.multihash.digest);
    if (!isWhole) throw contentDamaged(cid.toString());
    return bytes;
  }

  /** Bytes that the repository may still grow by. */
  async freeBytes(): Promise<number> {
    const sizeOnly = { sizeOnly: true };
    const stat = await this.#ask((signal) => this.#client.repo.stat({ signal, ...sizeOnly }));
    return Number(stat.storageMax - stat.repoSize);
  }

  /** Deletes every block of the node that nothing pins, whoever put it there. */
  async collectGarbage(signal: AbortSignal): Promise<void> {
    try {
      for await (const { err } of this.#client.repo.gc({ signal })) if (err != null) throw err;
    } catch (error) {
      throw failureOf(error);
    }
  }

  async #ask<T>(call: (signal: AbortSignal) => Promise<T>, cid?: string): Promise<T> {
    try {
      return await call(AbortSignal.timeout(this.#timeoutMs));
    } catch (error) {
      if (cid !== undefined && isNotHere(error)) throw contentNotFound(cid);
      throw failureOf(error);
    }
  }
}

/** Ends a call when the node lets it wait too long; the time that the source takes does not count. */
class Patience {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly timeoutMs: number,
    private readonly ending: AbortController,
  ) {}

  begin(): void {
    this.end();
    this.#timer = setTimeout(() => this.ending.abort(new Error("the node took too long")), this.timeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Kubo tells what went wrong in its message alone: `{"Message":…,"Code":0,"Type":"error"}` with status 500. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isNotHere(error: unknown): boolean {
  return /block was not found locally|could not find|merkledag: not found/.test(messageOf(error));
}

function isNotPinned(error: unknown): boolean {
  return /not pinned/.test(messageOf(isCodedError(error) ? error.cause : error));
}

function failureOf(error: unknown): Error {
  if (isCodedError(error)) return error;
  return /no space left on device|disk quota exceeded/.test(messageOf(error))
    ? storageFull()
    : contentBackendUnavailable(error);
}
