import { contentIdOf } from "@aios/core-content-id/content-id";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { sealKey } from "@aios/core-sealing/sealed-key";
import { CodedError } from "@aios/kernel/coded-error";
import { SeededRng } from "@aios/kernel/random";
import {
  ContentKeyServiceService,
  ContentServiceService,
  type GetContentRequest,
  type GetContentResponse,
  type PutContentRequest,
  type PutContentResponse,
  type ReleaseKeyRequest,
  type ReleaseKeyResponse,
} from "@aios/proto/aios/storage/v1/storage";
import { type GrpcFailure, toGrpcFailure } from "@aios/service-kit/error-mapping";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import { PeerServer } from "@aios/testkit/peer-server";
import type {
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  status,
} from "@grpc/grpc-js";

const CHUNK_BYTES = 64 * 1024;

/** Storage's contract as the prover uses it, in memory: contents by hash, keys by purpose, every release counted. */
export class FakeStorage {
  readonly #rng = new SeededRng(42);
  readonly #contents = new Map<string, Uint8Array>();
  readonly #keys = new Map<string, { readonly key: Uint8Array; readonly purposes: readonly string[] }>();
  readonly peer = new PeerServer();
  readonly releases: { readonly cid: string; readonly purpose: string; readonly jobId: string }[] = [];
  /** What every content waits for before it is sent. */
  held: Promise<void> | undefined;
  /** While set, every call is answered so. */
  outage: { readonly code: status; readonly message: string } | undefined;

  static async start(): Promise<FakeStorage> {
    const storage = new FakeStorage();
    storage.peer.add(
      { putContent: ContentServiceService.putContent, getContent: ContentServiceService.getContent },
      {
        putContent: (
          call: ServerReadableStream<PutContentRequest, PutContentResponse>,
          callback: sendUnaryData<PutContentResponse>,
        ) => void storage.#put(call, callback),
        getContent: (call: ServerWritableStream<GetContentRequest, GetContentResponse>) =>
          void storage.#get(call),
      },
    );
    storage.peer.add(
      { releaseKey: ContentKeyServiceService.releaseKey },
      {
        releaseKey: (
          call: ServerUnaryCall<ReleaseKeyRequest, ReleaseKeyResponse>,
          callback: sendUnaryData<ReleaseKeyResponse>,
        ) => storage.#release(call, callback),
      },
    );
    await storage.peer.start();
    return storage;
  }

  /** Encrypts and stores a content whose owner allows these purposes. Answers its CID. */
  deposit(plaintext: Uint8Array, purposes: readonly string[]): string {
    const key = generateContentKey(this.#rng);
    const cid = this.store(encryptContent(key, plaintext, this.#rng));
    this.#keys.set(cid, { key, purposes });
    return cid;
  }

  store(bytes: Uint8Array): string {
    const cid = contentIdOf(bytes);
    this.#contents.set(cid, bytes);
    return cid;
  }

  content(cid: string): Uint8Array | undefined {
    return this.#contents.get(cid);
  }

  stop(): void {
    this.peer.stop();
  }

  async #put(
    call: ServerReadableStream<PutContentRequest, PutContentResponse>,
    callback: sendUnaryData<PutContentResponse>,
  ): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const { chunk } of call as AsyncIterable<PutContentRequest>)
      if (chunk !== undefined) chunks.push(chunk);
    if (this.outage !== undefined) return callback(this.outage);
    const bytes = Buffer.concat(chunks);
    callback(null, { cid: this.store(bytes), sizeBytes: bytes.length, deduplicated: false });
  }

  async #get(call: ServerWritableStream<GetContentRequest, GetContentResponse>): Promise<void> {
    await this.held;
    const bytes = this.#contents.get(call.request.cid);
    const failure = this.outage ?? (bytes === undefined ? contentNotFound(call.request.cid) : undefined);
    if (failure !== undefined || bytes === undefined) {
      call.emit("error", failure);
      return;
    }
    call.write({
      stat: {
        cid: call.request.cid,
        sizeBytes: bytes.length,
        metadata: undefined,
        ownerTenant: "",
        createdAtMs: 0,
      },
    });
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
      call.write({ chunk: bytes.subarray(at, at + CHUNK_BYTES) });
    call.end();
  }

  #release(
    call: ServerUnaryCall<ReleaseKeyRequest, ReleaseKeyResponse>,
    callback: sendUnaryData<ReleaseKeyResponse>,
  ): void {
    if (this.outage !== undefined) {
      callback(this.outage);
      return;
    }
    const { cid, recipientPublicKey, service } = call.request;
    const deposited = this.#keys.get(cid);
    if (deposited === undefined) {
      callback(contentNotFound(cid));
      return;
    }
    if (service === undefined || !deposited.purposes.includes(service.purpose)) {
      callback(refusal("not-allowed-by-owner", "forbidden", "The owner does not allow this."));
      return;
    }
    this.releases.push({ cid, purpose: service.purpose, jobId: service.jobId });
    callback(null, {
      sealedKey: sealKey(deposited.key, recipientPublicKey, `release:${cid}`, this.#rng, systemKeyAgreement),
      releaseId: String(this.releases.length),
    });
  }
}

function contentNotFound(cid: string): GrpcFailure {
  return refusal("content-not-found", "not-found", `There is no content ${cid}.`);
}

function refusal(code: string, kind: "not-found" | "forbidden", message: string): GrpcFailure {
  return toGrpcFailure(new CodedError({ code, kind, message }));
}
