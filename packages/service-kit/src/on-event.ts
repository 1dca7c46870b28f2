import type { Topic } from "@aios/proto/topics";
import { Ctx, EventPattern, Payload } from "@nestjs/microservices";
import type { EventContext } from "./event-context.js";

type EventMethod<T> = (event: T, context: EventContext) => Promise<void>;
type EventsMethod<T> = (events: readonly T[], contexts: readonly EventContext[]) => Promise<void>;

/** Marks the handlers of `OnEvents`. */
export const TAKES_MANY = "aios-takes-many";

/**
 * Makes a controller's method handle a topic's events, decoded. Returning commits the event; throwing delivers it
 * again. The compiler checks that the method takes this topic's message.
 */
export function OnEvent<T>(
  topic: Topic<T>,
): <M extends EventMethod<T>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void {
  return (target, key, descriptor) => {
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    EventPattern<string>(topic.name)(target, key, descriptor);
  };
}

/**
 * Makes a controller's method handle several events of a topic together, those of a key in their order, in one
 * transaction of its own: for topics on which many wait. Returning commits them all; when it throws, it is called again
 * with those of each partition and then with each alone, and only the one that fails then is tried again and
 * dead-lettered.
 */
export function OnEvents<T>(
  topic: Topic<T>,
): <M extends EventsMethod<T>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void {
  return (target, key, descriptor) => {
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    EventPattern<string>(topic.name, { [TAKES_MANY]: true })(target, key, descriptor);
  };
}
