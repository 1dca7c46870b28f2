import { CodedError } from "@aios/kernel/coded-error";
import type { RateDecision, RateLimiter } from "@aios/service-kit/rate-limiter";
import { type CanActivate, type ExecutionContext, Inject, Injectable } from "@nestjs/common";
import { SignIn } from "../../../application/sign-in.use-case.js";
import {
  operatorsOnly,
  routeNotDeclared,
  sessionInvalid,
  signInRequired,
  tooManyRequests,
} from "../../../domain/errors.js";
import { mayOperate, type OperatorClaim } from "../../../domain/operator-policy.js";
import { metrics } from "../../../metrics.js";
import { HTTP_SETTINGS, type HttpSettings, RATE_LIMITER } from "../tokens.js";
import type { GatewayRequest } from "./gateway-request.js";
import { costOf, type OperationDefinition, operationOf } from "./operation.js";

/** Deny by default: a route that declares no operation is closed, one for accounts needs a live session. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(SignIn) private readonly signIn: SignIn,
    @Inject(RATE_LIMITER) private readonly limiter: RateLimiter,
    @Inject(HTTP_SETTINGS) private readonly settings: HttpSettings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = operationOf(context.getHandler());
    if (operation === undefined) throw routeNotDeclared();
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const token = bearerToken(request.headers.authorization);
    const limited = await this.#take(request, operation);
    if (!limited.allowed) {
      metrics.rateLimited.add(1, { operation: operation.id });
      throw tooManyRequests(limited.retryAfterMs);
    }
    if (token !== undefined) request.session = await this.signIn.session(token);
    if (operation.access === "account" && request.session === undefined) throw signInRequired();
    if (operation.access === "operator" && !mayOperate(this.settings.operators, claimOf(request)))
      throw request.session === undefined ? signInRequired() : operatorsOnly();
    return true;
  }

  /** While the limiter's backend is away, reads go on uncounted and everything that changes something waits for it. */
  async #take(request: GatewayRequest, operation: OperationDefinition): Promise<RateDecision> {
    const cost = costOf(operation, request.body, this.settings);
    try {
      return await this.limiter.take(`address:${request.ip}`, this.settings.rateLimit, cost);
    } catch (error) {
      const reads = request.method === "GET" || request.method === "HEAD";
      if (!reads || !(error instanceof CodedError) || error.kind !== "unavailable") throw error;
      metrics.uncounted.add(1, { operation: operation.id });
      return { allowed: true, remaining: 0, retryAfterMs: 0 };
    }
  }
}

function claimOf({ session, headers }: GatewayRequest): OperatorClaim {
  return {
    account: session?.account,
    host: headers.host,
    forwarded: headers.forwarded !== undefined || headers["x-forwarded-for"] !== undefined,
  };
}

function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(header);
  if (match === null) throw sessionInvalid();
  return match[1];
}
