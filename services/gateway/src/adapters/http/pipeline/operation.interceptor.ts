import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import { tenantOfAccount } from "@aios/kernel/identifiers";
import { actingFor } from "@aios/service-kit/caller-context";
import { withSpanActive } from "@aios/service-kit/tracing";
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from "@nestjs/common";
import { firstValueFrom, from, type Observable } from "rxjs";
import type { z } from "zod";
import { RunOnce } from "../../../application/run-once.use-case.js";
import { idempotencyKeyMissing } from "../../../domain/errors.js";
import type { Outcome } from "../../../domain/ports.js";
import { metrics } from "../../../metrics.js";
import { type GatewayReply, type GatewayRequest, tenantOf } from "./gateway-request.js";
import { type OperationDefinition, operationOf } from "./operation.js";
import { problemOutcome, StoredProblem } from "./problem.js";

const KEY_FORMAT = /^[\x21-\x7e]{1,128}$/;

/** Validates what the operation takes, runs it in its caller's name, once per Idempotency-Key. */
@Injectable()
export class OperationInterceptor implements NestInterceptor {
  constructor(@Inject(RunOnce) private readonly runOnce: RunOnce) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operation = operationOf(context.getHandler());
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const reply = context.switchToHttp().getResponse<GatewayReply>();
    if (operation === undefined) return next.handle();
    const work = async (): Promise<unknown> => {
      validate(operation, request);
      const handle = (): Promise<unknown> => firstValueFrom(next.handle(), { defaultValue: undefined });
      if (operation.repetition === "idempotency-key") return this.#once(operation, request, reply, handle);
      return handle();
    };
    const account = request.session?.account;
    const subject = account === undefined ? {} : { account, tenant: tenantOfAccount(account) };
    const inTrace = (): Promise<unknown> => actingFor(subject, work);
    return from(request.span === undefined ? inTrace() : withSpanActive(request.span, inTrace));
  }

  async #once(
    operation: OperationDefinition,
    request: GatewayRequest,
    reply: GatewayReply,
    handle: () => Promise<unknown>,
  ): Promise<unknown> {
    const key = { tenant: tenantOf(request), key: idempotencyKeyOf(request) };
    const act = async (): Promise<Outcome> => ({
      status: operation.status ?? 200,
      contentType: "application/json",
      body: JSON.stringify((await handle()) ?? null),
    });
    const describe = (error: unknown): Outcome => problemOutcome(error, request);
    const { outcome, replayed } = await this.runOnce.run(key, requestHash(request), act, describe);
    if (replayed) {
      metrics.replayedOutcomes.add(1, { operation: operation.id });
      void reply.header("idempotency-replayed", "true");
    }
    if (outcome.status >= 400) throw new StoredProblem(outcome);
    return JSON.parse(outcome.body) as unknown;
  }
}

/** The caller's Idempotency-Key. Throws `idempotency-key-missing`. */
export function idempotencyKeyOf(request: GatewayRequest): string {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string" || !KEY_FORMAT.test(key)) throw idempotencyKeyMissing();
  return key;
}

/** Method, path and JSON body, however its keys are ordered. */
function requestHash(request: GatewayRequest): string {
  const hash = createHash("sha256").update(`${request.method} ${request.url}\n`);
  return hash.update(canonicalJson((request.body ?? null) as Json)).digest("hex");
}

function validate(operation: OperationDefinition, request: GatewayRequest): void {
  if (operation.params !== undefined)
    request.params = parsed(operation.params, request.params, "", "invalid");
  if (operation.query !== undefined) request.query = parsed(operation.query, request.query, "", "invalid");
  if (operation.headers !== undefined) {
    const headers = parsed(operation.headers, request.headers, "", "invalid") as Record<string, string>;
    Object.assign(request.headers, headers);
  }
  if (operation.body !== undefined)
    request.body = parsed(operation.body, request.body ?? {}, "", "unprocessable");
}

function parsed(
  schema: z.ZodType,
  value: unknown,
  prefix: string,
  kind: "invalid" | "unprocessable",
): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])]
    .map(String)
    .join(".");
  const field = `${prefix}${path}`;
  throw new CodedError({
    code: "invalid-input",
    kind,
    message:
      field === ""
        ? `The input is not valid: ${issue?.message ?? "it does not fit"}.`
        : `${field} is not valid: ${issue?.message ?? "it does not fit"}.`,
    ...(field === "" ? {} : { field }),
    details: {
      issues: result.error.issues
        .slice(0, 10)
        .map((each) => ({ field: each.path.map(String).join("."), problem: each.message })),
    },
  });
}
