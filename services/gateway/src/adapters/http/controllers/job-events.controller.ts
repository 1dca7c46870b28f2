import { createHash } from "node:crypto";
import { toCodedError } from "@aios/kernel/coded-error";
import { Controller, Get, Inject, Param, Req, Res } from "@nestjs/common";
import { type JobWatch, JobWatches } from "../../../application/job-watches.js";
import { SignIn } from "../../../application/sign-in.use-case.js";
import { type GatewayReply, type GatewayRequest, sessionOf } from "../pipeline/gateway-request.js";
import { checkOpenSession } from "../pipeline/open-session.js";
import { Operation } from "../pipeline/operation.js";
import { renderProblem } from "../pipeline/problem.js";
import {
  eventFrame,
  HEARTBEAT_FRAME,
  sendEventStream,
  withHeartbeats,
} from "../pipeline/server-sent-events.js";
import { jobView } from "../schemas/job.schemas.js";
import { HTTP_SETTINGS, type HttpSettings } from "../tokens.js";
import { isEnded, jobViewOf } from "../views/job.views.js";
import { jobParams } from "./job.controller.js";

@Controller("v1/jobs/:jobId/events")
export class JobEventsController {
  constructor(
    @Inject(JobWatches) private readonly watches: JobWatches,
    @Inject(SignIn) private readonly signIn: SignIn,
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
    const { draining } = this.settings;
    const gone = request.gone === undefined ? draining : AbortSignal.any([request.gone, draining]);
    const ended = new AbortController();
    const signal = AbortSignal.any([gone, ended.signal]);
    // An unknown job is a problem with its status, not a broken stream.
    const watch = await this.watches.open(sessionOf(request).account, id.toLowerCase(), signal);
    const seen = request.headers["last-event-id"];
    const lastEventId = typeof seen === "string" ? seen : undefined;
    const frames = this.#frames(request, watch, lastEventId, gone, ended);
    sendEventStream(reply, frames, watch.close);
  }

  async *#frames(
    request: GatewayRequest,
    watch: JobWatch,
    lastEventId: string | undefined,
    gone: AbortSignal,
    ended: AbortController,
  ): AsyncGenerator<string> {
    let seen = lastEventId;
    yield ": connected\nretry: 1000\n\n";
    try {
      for await (const change of withHeartbeats(watch.changes, this.settings.sseHeartbeatMs)) {
        if (gone.aborted) return;
        // The watch may wait long for its next change: it is ended before it is asked to close.
        await checkOpenSession(this.signIn, request).catch((error: unknown) => {
          ended.abort();
          throw error;
        });
        if (change === undefined) {
          yield HEARTBEAT_FRAME;
          continue;
        }
        const job = jobViewOf(change.value);
        const data = JSON.stringify(job);
        const eventId = createHash("sha256").update(data).digest("hex").slice(0, 16);
        if (eventId !== seen) yield eventFrame("job", data, eventId);
        seen = eventId;
        if (isEnded(job.state)) return;
      }
    } catch (error) {
      if (!gone.aborted) yield eventFrame("problem", renderProblem(toCodedError(error), request).body);
    }
  }
}
