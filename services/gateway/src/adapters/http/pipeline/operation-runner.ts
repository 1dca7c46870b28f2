import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "@aios/kernel/canonical-json";
import { tenantOfAccount } from "@aios/kernel/identifiers";
import { actingFor } from "@aios/service-kit/caller-context";
import { withSpanActive } from "@aios/service-kit/tracing";
import { Inject, Injectable } from "@nestjs/common";
import { RunOnce } from "../../../application/run-once.use-case.js";
import { idempotencyKeyMissing } from "../../../domain/errors.js";
import type { Outcome } from "../../../domain/ports.js";
import { metrics } from "../../../metrics.js";
import { type GatewayCall, type GatewayRequest, tenantOf } from "./gateway-request.js";
import type { OperationDefinition } from "./operation.js";
import { problemOutcome, StoredProblem } from "./problem.js";

const KEY_FORMAT = /^[\x21-\x7e]{1,128}$/;

/** Runs mutating operations once per Idempotency-Key, whichever way the call came. */
@Injectable()
export class OperationRunner {
  constructor(@Inject(RunOnce) private readonly runOnce: RunOnce) {}

  /** What `handle` answers, or answered before to the same call. Throws `StoredProblem` for an error of before. */
  async once(
    operation: OperationDefinition,
    call: GatewayCall,
    body: unknown,
    handle: () => Promise<unknown>,
  ): Promise<{ readonly answer: unknown; readonly replayed: boolean }> {
    const key = { tenant: tenantOf(call), key: idempotencyKeyOf(call) };
    const act = async (): Promise<Outcome> => ({
      status: operation.status ?? 200,
      contentType: "application/json",
      body: JSON.stringify((await handle()) ?? null),
    });
    const describe = (error: unknown): Outcome => problemOutcome(error, call);
    const { outcome, replayed } = await this.runOnce.run(key, requestHash(call, body), act, describe);
    if (replayed) metrics.replayedOutcomes.add(1, { operation: operation.id });
    if (outcome.status >= 400) throw new StoredProblem(outcome, replayed);
    return { answer: JSON.parse(outcome.body) as unknown, replayed };
  }
}

/** Runs in the caller's name and under the request's span. */
export function inCallersName<T>(request: GatewayRequest, work: () => Promise<T>): Promise<T> {
  const account = request.session?.account;
  const subject = account === undefined ? {} : { account, tenant: tenantOfAccount(account) };
  const acting = (): Promise<T> => actingFor(subject, work);
  return request.span === undefined ? acting() : withSpanActive(request.span, acting);
}

/** The caller's Idempotency-Key. Throws `idempotency-key-missing`. */
export function idempotencyKeyOf(call: Pick<GatewayCall, "headers">): string {
  const key = call.headers["idempotency-key"];
  if (typeof key !== "string" || !KEY_FORMAT.test(key)) throw idempotencyKeyMissing();
  return key;
}

/** Method, path and JSON body, however its keys are ordered. */
function requestHash(call: GatewayCall, body: unknown): string {
  const hash = createHash("sha256").update(`${call.method} ${call.url}\n`);
  return hash.update(canonicalJson((body ?? null) as Json)).digest("hex");
}
