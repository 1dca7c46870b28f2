import { logLevelOf } from "@aios/service-kit/error-mapping";
import type { Logger } from "@aios/service-kit/logger";
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from "@nestjs/common";
import { isGraphCall, renderGraphProblem } from "../graphql/graph-answer.js";
import { LOGGER } from "../tokens.js";
import type { GatewayReply, GatewayRequest } from "./gateway-request.js";
import { fromFramework, renderProblem, StoredProblem } from "./problem.js";

/** Turns whatever was thrown into problem details; never a stack trace. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<GatewayRequest>();
    const reply = host.switchToHttp().getResponse<GatewayReply>();
    if (!(thrown instanceof StoredProblem)) {
      const error = fromFramework(thrown);
      this.logger[logLevelOf(error)](
        { error, method: request.method, url: request.url, traceId: request.traceId },
        "request failed",
      );
    }
    const { status, headers, body } = isGraphCall(request)
      ? renderGraphProblem(thrown, request)
      : renderProblem(thrown, request);
    if (reply.sent) return;
    // A body that was refused half-way is not read to its end: its connection cannot carry another request.
    if (!request.raw.complete) void reply.header("connection", "close");
    void reply.status(status).headers(headers).send(body);
  }
}
