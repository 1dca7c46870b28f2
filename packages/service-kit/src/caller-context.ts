import { AsyncLocalStorage } from "node:async_hooks";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, TenantId } from "@aios/kernel/identifiers";

/** Who makes the call that is being handled, as its token proves. */
export interface Caller {
  /** The service that signed the token; `compute` for a provider's session. */
  readonly service: string;
  readonly role: "service" | "provider";
  /** The account acted for, or the provider's own. */
  readonly account?: Address;
  readonly tenant?: TenantId;
}

/** A user for whom a service acts; sent along with every call made inside `actingFor`. */
export type OnBehalfOf = Pick<Caller, "account" | "tenant">;

interface CallerScope {
  readonly caller: Caller | undefined;
  readonly onBehalfOf: OnBehalfOf;
  readonly signal: AbortSignal | undefined;
}

const storage = new AsyncLocalStorage<CallerScope>();

/** The caller, or `undefined` outside a call and for anonymous callers. */
export function findCaller(): Caller | undefined {
  return storage.getStore()?.caller;
}

/** Throws `unauthenticated` outside a call and for anonymous callers. */
export function currentCaller(): Caller {
  const caller = findCaller();
  if (caller === undefined) {
    throw new CodedError({
      code: "unauthenticated",
      kind: "unauthenticated",
      message: "This call needs a service token.",
    });
  }
  return caller;
}

/** Account and tenant that outgoing calls are made for. */
export function currentOnBehalfOf(): OnBehalfOf {
  return storage.getStore()?.onBehalfOf ?? {};
}

/** Aborts when the call that is being handled was cancelled, ran out of time, or is cut off by a drain. */
export function currentCallSignal(): AbortSignal | undefined {
  return storage.getStore()?.signal;
}

/** Runs `work` as the handling of a call by `caller`. */
export function runAsCaller<T>(caller: Caller | undefined, work: () => T, signal?: AbortSignal): T {
  return storage.run({ caller, onBehalfOf: onBehalfOf(caller), signal }, work);
}

/** Runs `work` so that outgoing calls carry this account and tenant; the gateway does so for a signed-in user. */
export function actingFor<T>(subject: OnBehalfOf, work: () => T): T {
  return storage.run({ caller: findCaller(), onBehalfOf: subject, signal: currentCallSignal() }, work);
}

function onBehalfOf(caller: Caller | undefined): OnBehalfOf {
  return {
    ...(caller?.account === undefined ? {} : { account: caller.account }),
    ...(caller?.tenant === undefined ? {} : { tenant: caller.tenant }),
  };
}
