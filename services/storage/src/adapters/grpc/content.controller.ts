import { once } from "node:events";
import { contentId } from "@aios/core-content-id/content-id";
import type {
  GetContentRequest,
  GetContentResponse,
  PutContentRequest,
  PutContentResponse,
  StatContentRequest,
  StatContentResponse,
} from "@aios/proto/aios/storage/v1/storage";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { currentCaller } from "@aios/service-kit/caller-context";
import type { ServerReadableStream, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod, GrpcStreamCall } from "@nestjs/microservices";
import { from, type Observable } from "rxjs";
import { PutContent } from "../../application/put-content.use-case.js";
import { ReadContent } from "../../application/read-content.use-case.js";
import { type ContentRecord, contentMetadata } from "../../domain/content.js";
import { invalidStream } from "../../domain/errors.js";
import { metrics } from "../../metrics.js";
import { callingTenant } from "./calling-tenant.js";
import { GrpcArgument } from "./grpc-argument.js";

/** Largest piece in one message that is taken. */
const LARGEST_CHUNK_BYTES = 1024 * 1024;
/** Piece that is sent; the stream holds up to 16 before a slow receiver stops it. */
const SENT_CHUNK_BYTES = 256 * 1024;

@Controller()
@AllowCallers("gateway", "compute", "zk-prover", "marketplace", "provider")
export class ContentController {
  readonly #putContent: PutContent;
  readonly #readContent: ReadContent;

  constructor(@Inject(PutContent) putContent: PutContent, @Inject(ReadContent) readContent: ReadContent) {
    this.#putContent = putContent;
    this.#readContent = readContent;
  }

  @GrpcStreamCall("ContentService", "PutContent")
  async putContent(
    @GrpcArgument(0) call: ServerReadableStream<PutContentRequest, PutContentResponse>,
    @GrpcArgument(1) callback: sendUnaryData<PutContentResponse>,
  ): Promise<void> {
    try {
      const tenantId = callingTenant();
      const messages = (call as AsyncIterable<PutContentRequest>)[Symbol.asyncIterator]();
      const head = await messages.next();
      if (head.done === true || head.value.metadata === undefined) {
        throw invalidStream("The first message of an upload carries the metadata.");
      }
      const result = await this.#putContent.execute(
        tenantId,
        contentMetadata(head.value.metadata),
        chunksOf(messages),
        currentCaller().service === "gateway" ? "public" : "platform",
      );
      metrics.bytesIn.add(result.sizeBytes, { category: head.value.metadata.category });
      if (result.deduplicated) metrics.deduplicated.add(1);
      callback(null, { ...result });
    } catch (error) {
      callback(error as Error);
    }
  }

  @GrpcMethod("ContentService", "GetContent")
  async getContent(
    @GrpcArgument(0) request: GetContentRequest,
    @GrpcArgument(2) call: ServerWritableStream<GetContentRequest, GetContentResponse>,
  ): Promise<Observable<GetContentResponse>> {
    const record = await this.#readContent.stat(contentId(request.cid));
    return from(paced(this.#messages(record), call));
  }

  @GrpcMethod("ContentService", "StatContent")
  async statContent(request: StatContentRequest): Promise<StatContentResponse> {
    return statOf(await this.#readContent.stat(contentId(request.cid)));
  }

  async *#messages(record: ContentRecord): AsyncGenerator<GetContentResponse> {
    yield { stat: statOf(record) };
    for await (const bytes of this.#readContent.read(record.cid)) {
      for (let offset = 0; offset < bytes.length; offset += SENT_CHUNK_BYTES) {
        const chunk = bytes.subarray(offset, offset + SENT_CHUNK_BYTES);
        metrics.bytesOut.add(chunk.length, { category: record.metadata.category });
        yield { chunk };
      }
    }
  }
}

async function* chunksOf(messages: AsyncIterator<PutContentRequest>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const next = await messages.next();
    if (next.done === true) return;
    const { chunk } = next.value;
    if (chunk === undefined)
      throw invalidStream("After the metadata, every message of an upload carries a chunk.");
    if (chunk.length > LARGEST_CHUNK_BYTES) {
      throw invalidStream(`A chunk has at most ${LARGEST_CHUNK_BYTES} bytes.`);
    }
    yield chunk;
  }
}

/** Reads on only when the receiver took what it was sent: memory stays bounded with a slow one. */
async function* paced<T>(
  messages: AsyncIterable<T>,
  call: ServerWritableStream<GetContentRequest, GetContentResponse>,
): AsyncGenerator<T> {
  const gone = new AbortController();
  call.once("cancelled", () => gone.abort());
  for await (const message of messages) {
    yield message;
    if (gone.signal.aborted || call.cancelled) return;
    if (call.writableNeedDrain) {
      await once(call, "drain", { signal: gone.signal }).catch((error: unknown) => {
        if (!gone.signal.aborted) throw error;
      });
    }
  }
}

function statOf(record: ContentRecord): StatContentResponse {
  return {
    cid: record.cid,
    sizeBytes: record.sizeBytes,
    metadata: { ...record.metadata },
    ownerTenant: record.tenantId,
    createdAtMs: record.createdAt,
  };
}
