import { createHash, type Hash } from "node:crypto";
import { Readable } from "node:stream";
import { CodedError } from "@aios/kernel/coded-error";
import type {
  GetContentResponse,
  PutContentRequest,
  StatContentResponse,
} from "@aios/proto/aios/storage/v1/storage";
import { Controller, Get, Inject, Param, Post, Req, Res } from "@nestjs/common";
import { z } from "zod";
import { CONTENT, type ContentPeer } from "../../../application/peers.js";
import { RunOnce } from "../../../application/run-once.use-case.js";
import { bodyTooLarge } from "../../../domain/errors.js";
import { metrics } from "../../../metrics.js";
import { type GatewayReply, type GatewayRequest, tenantOf } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { idempotencyKeyOf } from "../pipeline/operation-runner.js";
import { problemOutcome, StoredProblem } from "../pipeline/problem.js";
import { RateGate } from "../pipeline/rate-gate.js";
import { cid } from "../schemas/common.schemas.js";
import { contentBytes, contentHeaders, storedContentView } from "../schemas/content.schemas.js";
import { HTTP_SETTINGS, type HttpSettings } from "../tokens.js";

const CHUNK_BYTES = 256 * 1024;
const UPLOAD_DEADLINE_MS = 120_000;
/** So many bytes of an upload take a token of the rate limit, as a call does. */
const BYTES_OF_CALL = 128 * 1024;
const contentParams = z.object({ cid });

@Controller("v1/content")
export class ContentController {
  constructor(
    @Inject(CONTENT) private readonly content: ContentPeer,
    @Inject(RunOnce) private readonly runOnce: RunOnce,
    @Inject(HTTP_SETTINGS) private readonly settings: HttpSettings,
    @Inject(RateGate) private readonly gate: RateGate,
  ) {}

  @Post()
  @Operation({
    id: "putContent",
    summary: "Store bytes; the same bytes always have the same CID",
    tag: "content",
    access: "account",
    repetition: "idempotency-key-of-stream",
    headers: contentHeaders,
    bodyType: "application/octet-stream",
    answer: storedContentView,
    status: 201,
    problems: [409, 413],
    cost: 2,
  })
  async put(@Req() request: GatewayRequest): Promise<z.infer<typeof storedContentView>> {
    const key = { tenant: tenantOf(request), key: idempotencyKeyOf(request) };
    const stream = request.body;
    if (!(stream instanceof Readable)) throw notBytes();
    const limit = this.settings.contentMaxBytes;
    const announced = Number(request.headers["content-length"] ?? limit);
    if (announced > limit) throw bodyTooLarge(limit);
    await this.#count(request, announced);
    const { headers } = request;
    const metadata = {
      category: String(headers["x-aios-category"]),
      encrypted: headers["x-aios-encrypted"] === "true",
      mediaType: String(headers["x-aios-media-type"]),
    };
    const hash = createHash("sha256").update(
      `${request.method} ${request.url}\n${JSON.stringify(metadata)}\n`,
    );
    // Storing comes before the claim: it is harmless by itself (same bytes, same CID), and only the end of the stream tells the body.
    const stored = await this.content.putContent(parts(metadata, stream, hash, limit), {
      deadlineMs: UPLOAD_DEADLINE_MS,
    });
    const view = { cid: stored.cid, sizeBytes: stored.sizeBytes, deduplicated: stored.deduplicated };
    const { outcome, replayed } = await this.runOnce.run(
      key,
      hash.digest("hex"),
      async () => ({ status: 201, contentType: "application/json", body: JSON.stringify(view) }),
      (error) => problemOutcome(error, request),
    );
    if (outcome.status >= 400) throw new StoredProblem(outcome, replayed);
    return storedContentView.parse(JSON.parse(outcome.body));
  }

  /** Bytes count like calls, so that an address cannot fill the disk at the price of few. One unannounced counts whole. */
  async #count(request: GatewayRequest, bytes: number): Promise<void> {
    const { capacity } = this.settings.rateLimit;
    // The call itself has taken one: what costs more than all the others could never pass.
    const cost = Math.min(Math.floor(bytes / BYTES_OF_CALL), capacity - 1);
    if (cost > 0) await this.gate.take(request.ip, { operation: "putContent", cost, reads: false });
  }

  @Get(":cid")
  @Operation({
    id: "getContent",
    summary: "Stored bytes by CID; ciphertext where the content is encrypted",
    tag: "content",
    access: "public",
    params: contentParams,
    answer: contentBytes,
    answerType: "application/octet-stream",
    problems: [404, 410],
  })
  async get(
    @Req() request: GatewayRequest,
    @Res() reply: GatewayReply,
    @Param("cid") wanted: string,
  ): Promise<void> {
    const signal = request.gone;
    const answer = this.content.getContent(
      { cid: wanted },
      { deadlineMs: UPLOAD_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) },
    );
    const chunks = answer[Symbol.asyncIterator]();
    const stat = (await chunks.next()).value as GetContentResponse | undefined;
    if (stat?.stat === undefined)
      throw new CodedError({
        code: "content-unavailable",
        kind: "unavailable",
        message: "The content could not be read just now; try again.",
      });
    void reply
      .headers(contentAnswerHeaders(stat.stat))
      .send(Readable.from(bytesFrom(chunks), { objectMode: false }));
  }
}

function contentAnswerHeaders(stat: StatContentResponse): Record<string, string> {
  return {
    // Never the stored media type: strangers' bytes must not become a page on this origin.
    "content-type": "application/octet-stream",
    "content-disposition": "attachment",
    "content-length": String(stat.sizeBytes),
    "cache-control": "public, max-age=31536000, immutable",
    etag: `"${stat.cid}"`,
    "x-aios-category": stat.metadata?.category ?? "",
    "x-aios-encrypted": String(stat.metadata?.encrypted ?? false),
  };
}

async function* bytesFrom(chunks: AsyncIterator<GetContentResponse>): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) return;
      if (next.value.chunk !== undefined) {
        metrics.contentBytes.add(next.value.chunk.length, { direction: "out" });
        yield next.value.chunk;
      }
    }
  } finally {
    await chunks.return?.();
  }
}

async function* parts(
  metadata: { category: string; encrypted: boolean; mediaType: string },
  body: Readable,
  hash: Hash,
  limitBytes: number,
): AsyncGenerator<PutContentRequest> {
  yield { metadata, chunk: undefined };
  let total = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    total += piece.length;
    if (total > limitBytes) throw bodyTooLarge(limitBytes);
    hash.update(piece);
    metrics.contentBytes.add(piece.length, { direction: "in" });
    for (let offset = 0; offset < piece.length; offset += CHUNK_BYTES) {
      yield { metadata: undefined, chunk: piece.subarray(offset, offset + CHUNK_BYTES) };
    }
  }
}

function notBytes(): CodedError {
  return new CodedError({
    code: "media-type-unsupported",
    kind: "invalid",
    message: "Send the bytes as application/octet-stream.",
    field: "Content-Type",
  });
}
