import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { toCodedError } from "@aios/kernel/coded-error";
import type { WatchJobResponse } from "@aios/proto/aios/compute/v1/compute";
import { Controller, Get, Inject, Param, Req, Res } from "@nestjs/common";
import { COMPUTE, type ComputePeer } from "../../../application/peers.js";
import { tooManyStreams } from "../../../domain/errors.js";
import { metrics } from "../../../metrics.js";
import { type GatewayReply, type GatewayRequest, sessionOf } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { renderProblem } from "../pipeline/problem.js";
import { jobView } from "../schemas/job.schemas.js";
import { HTTP_SETTINGS, type HttpSettings } from "../tokens.js";
import { isEnded, jobViewOf } from "../views/job.views.js";
import { jobParams } from "./job.controller.js";

@Controller("v1/jobs/:jobId/events")
export class JobEventsController {
  readonly #open = new Map<string, number>();

  constructor(
    @Inject(COMPUTE) private readonly compute: ComputePeer,
    @Inject(HTTP_SETTINGS) private readonly settings: HttpSettings,
  ) {}

  @Get()
  @Operation({
    id: "watchJob",
    summary: "The job at once and at every change, as server-sent events, until it ends",
    description:
      "Events are named `job` (the whole job) or `problem`; comments keep the connection alive. After a break, `Last-Event-ID` leaves out a state that was seen already.",
    tag: "jobs",
    access: "account",
    params: jobParams,
    answer: jobView,
    answerType: "text/event-stream",
    problems: [403, 404],
  })
  async events(
    @Req() request: GatewayRequest,
    @Res() reply: GatewayReply,
    @Param("jobId") id: string,
  ): Promise<void> {
    const account = sessionOf(request).account;
    const open = this.#open.get(account) ?? 0;
    if (open >= this.settings.sseMaxPerAccount) throw tooManyStreams();
    const { draining } = this.settings;
    const signal = request.gone === undefined ? draining : AbortSignal.any([request.gone, draining]);
    const changes = this.compute.watchJob({ jobId: id.toLowerCase() }, { signal })[Symbol.asyncIterator]();
    // The first message is awaited here, so that an unknown job is a problem with its status and not a broken stream.
    const first = await changes.next();
    this.#count(account, 1);
    metrics.openStreams.add(1);
    const seen = request.headers["last-event-id"];
    const frames = this.#frames(request, first, changes, typeof seen === "string" ? seen : undefined, signal);
    const stream = Readable.from(frames, { highWaterMark: 4 });
    stream.once("close", () => {
      this.#count(account, -1);
      metrics.openStreams.add(-1);
    });
    void reply
      .headers({
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      })
      .send(stream);
  }

  async *#frames(
    request: GatewayRequest,
    first: IteratorResult<WatchJobResponse>,
    changes: AsyncIterator<WatchJobResponse>,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    let seen = lastEventId;
    let upcoming: Promise<IteratorResult<WatchJobResponse>> = Promise.resolve(first);
    yield ": connected\nretry: 1000\n\n";
    try {
      while (!signal.aborted) {
        const next = await withHeartbeat(upcoming, this.settings.sseHeartbeatMs);
        if (next === undefined) {
          yield ": heartbeat\n\n";
          continue;
        }
        if (next.done === true) return;
        const job = jobViewOf(next.value.job);
        const data = JSON.stringify(job);
        const eventId = createHash("sha256").update(data).digest("hex").slice(0, 16);
        if (eventId !== seen) yield `id: ${eventId}\nevent: job\ndata: ${data}\n\n`;
        seen = eventId;
        if (isEnded(job.state)) return;
        upcoming = changes.next();
        upcoming.catch(() => undefined);
      }
    } catch (error) {
      if (!signal.aborted)
        yield `event: problem\ndata: ${renderProblem(toCodedError(error), request).body}\n\n`;
    } finally {
      await changes.return?.();
    }
  }

  #count(account: string, change: number): void {
    const open = (this.#open.get(account) ?? 0) + change;
    if (open <= 0) this.#open.delete(account);
    else this.#open.set(account, open);
  }
}

/** The promise's value, or undefined when it takes longer than the heartbeat. */
async function withHeartbeat<T>(promise: Promise<T>, heartbeatMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const beat = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), heartbeatMs);
  });
  try {
    return await Promise.race([promise, beat]);
  } finally {
    clearTimeout(timer);
  }
}
