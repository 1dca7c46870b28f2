import { type CanActivate, type ExecutionContext, Inject, Injectable } from "@nestjs/common";
import { SignIn } from "../../../application/sign-in.use-case.js";
import { operatorsOnly, routeNotDeclared, sessionInvalid, signInRequired } from "../../../domain/errors.js";
import { mayOperate, type OperatorClaim } from "../../../domain/operator-policy.js";
import { HTTP_SETTINGS, type HttpSettings } from "../tokens.js";
import type { GatewayRequest } from "./gateway-request.js";
import { costOf, operationOf } from "./operation.js";
import { RateGate } from "./rate-gate.js";

/** Deny by default: a route that declares no operation is closed, one for accounts needs a live session. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(SignIn) private readonly signIn: SignIn,
    @Inject(RateGate) private readonly gate: RateGate,
    @Inject(HTTP_SETTINGS) private readonly settings: HttpSettings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = operationOf(context.getHandler());
    if (operation === undefined) throw routeNotDeclared();
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const token = bearerToken(request.headers.authorization);
    const { reads = request.method === "GET" || request.method === "HEAD" } = operation;
    const cost = costOf(operation, request.body, this.settings);
    await this.gate.take(request.ip, { operation: operation.id, cost, reads });
    if (token !== undefined) request.session = await this.signIn.session(token);
    if (operation.access === "account" && request.session === undefined) throw signInRequired();
    if (operation.access === "operator" && !mayOperate(this.settings.operators, claimOf(request)))
      throw request.session === undefined ? signInRequired() : operatorsOnly();
    return true;
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
