import { CodedError } from "@aios/kernel/coded-error";
import type { CanActivate, ExecutionContext } from "@nestjs/common";
import { ALLOWED_CALLERS, ANONYMOUS } from "./allow-callers.js";
import { type Caller, findCaller } from "./caller-context.js";
import { EventContext } from "./event-context.js";

/** Deny by default: a gRPC method runs only for the callers that `@AllowCallers` names. */
export class CallerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== "rpc") return true;
    // Events come from the log that only services can write to; they have no caller.
    if (isOfEvents(context.switchToRpc().getContext<unknown>())) return true;
    const allowed =
      metadataOf(context.getHandler()) ?? metadataOf(context.getClass()) ?? ([] as readonly string[]);
    authorise(allowed, findCaller(), `${context.getClass().name}.${context.getHandler().name}`);
    return true;
  }
}

function isOfEvents(context: unknown): boolean {
  const contexts: readonly unknown[] = Array.isArray(context) ? context : [context];
  return contexts.length > 0 && contexts.every((one) => one instanceof EventContext);
}

/** Throws `unauthenticated` without a caller, `caller-not-allowed` for one that the list does not name. */
export function authorise(allowed: readonly string[], caller: Caller | undefined, method: string): void {
  if (allowed.includes(ANONYMOUS)) return;
  if (caller === undefined) {
    throw new CodedError({
      code: "unauthenticated",
      kind: "unauthenticated",
      message: "This call needs a service token.",
    });
  }
  const name = caller.role === "provider" ? "provider" : caller.service;
  // A service cannot pass for a provider by its name.
  const masquerades = caller.role === "service" && name === "provider";
  if (allowed.includes(name) && !masquerades) return;
  throw new CodedError({
    code: "caller-not-allowed",
    kind: "forbidden",
    message: `'${name}' may not call ${method}.`,
    details: { caller: name },
  });
}

function metadataOf(target: object): readonly string[] | undefined {
  return Reflect.getMetadata(ALLOWED_CALLERS, target) as readonly string[] | undefined;
}
