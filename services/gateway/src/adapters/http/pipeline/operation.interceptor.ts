import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from "@nestjs/common";
import { firstValueFrom, from, type Observable } from "rxjs";
import type { GatewayReply, GatewayRequest } from "./gateway-request.js";
import { type OperationDefinition, operationOf } from "./operation.js";
import { inCallersName, OperationRunner } from "./operation-runner.js";
import { StoredProblem } from "./problem.js";
import { validated } from "./validation.js";

/** Validates what the operation takes, runs it in its caller's name, once per Idempotency-Key. */
@Injectable()
export class OperationInterceptor implements NestInterceptor {
  constructor(@Inject(OperationRunner) private readonly runner: OperationRunner) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operation = operationOf(context.getHandler());
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const reply = context.switchToHttp().getResponse<GatewayReply>();
    if (operation === undefined) return next.handle();
    const work = async (): Promise<unknown> => {
      acceptInputs(operation, request);
      const handle = (): Promise<unknown> => firstValueFrom(next.handle(), { defaultValue: undefined });
      return operation.repetition === "idempotency-key"
        ? this.#once(operation, request, reply, handle)
        : handle();
    };
    return from(inCallersName(request, work));
  }

  async #once(
    operation: OperationDefinition,
    request: GatewayRequest,
    reply: GatewayReply,
    handle: () => Promise<unknown>,
  ): Promise<unknown> {
    const markReplayed = (replayed: boolean): void => {
      if (replayed) void reply.header("idempotency-replayed", "true");
    };
    try {
      const { answer, replayed } = await this.runner.once(operation, request, request.body, handle);
      markReplayed(replayed);
      return answer;
    } catch (error) {
      if (error instanceof StoredProblem) markReplayed(error.replayed);
      throw error;
    }
  }
}

/** Handlers read what the schemas made of the request. */
function acceptInputs(operation: OperationDefinition, request: GatewayRequest): void {
  const { params, query, headers, body } = validated(operation, request);
  request.params = params;
  request.query = query;
  request.body = body;
  if (operation.headers !== undefined) Object.assign(request.headers, headers);
}
