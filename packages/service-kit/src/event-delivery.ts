import { durationMs } from "@aios/kernel/units";
import { codedErrorOf } from "./database-outage.js";
import { type EventHandler, type ReceivedEvent, type RetryPolicy, retryDelayMs } from "./event-bus.js";
import { systemClock } from "./system-clock.js";

export interface DeliveryOptions {
  readonly handler: EventHandler;
  readonly retry: RetryPolicy;
  /** Aborts the wait between two tries. */
  readonly signal: AbortSignal;
  /** True once this member is to take no more: the event then stays for the next owner. */
  readonly stopping: () => boolean;
  /** Before each wait; a place to commit what was handled so far. */
  readonly beforeWait?: () => Promise<void>;
}

export type DeliveryOutcome =
  | { readonly kind: "handled" }
  /** Work ended before the event was handled. */
  | { readonly kind: "stopped" }
  /** The last try failed too. */
  | { readonly kind: "poison"; readonly attempts: number; readonly thrown: unknown };

/** Gives one event to the handler until it is handled, given up, or work stops. */
export async function deliver(
  options: DeliveryOptions,
  received: (attempt: number) => ReceivedEvent,
): Promise<DeliveryOutcome> {
  const { handler, retry, signal, stopping } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await handler(received(attempt));
      return { kind: "handled" };
    } catch (thrown) {
      if (stopping()) return { kind: "stopped" };
      const { kind } = codedErrorOf(thrown);
      const waitsForOthers = kind === "unavailable" || kind === "timeout";
      if (attempt >= (waitsForOthers ? retry.maxUnavailableAttempts : retry.maxAttempts)) {
        return { kind: "poison", attempts: attempt, thrown };
      }
      await options.beforeWait?.();
      const delay = durationMs(Math.round(retryDelayMs(retry, attempt)));
      await systemClock.wait(delay, signal).catch(() => undefined);
      if (stopping()) return { kind: "stopped" };
    }
  }
}
