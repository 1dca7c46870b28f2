import type { Topic } from "@aios/proto/topics";
import { Ctx, EventPattern, Payload } from "@nestjs/microservices";
import type { EventContext } from "./event-context.js";

type EventMethod<T> = (event: T, context: EventContext) => Promise<void>;

/**
 * Makes a controller's method handle a topic's events, decoded. Returning commits the event; throwing delivers it
 * again. The compiler checks that the method takes this topic's message.
 */
export function OnEvent<T>(
  topic: Topic<T>,
): (target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<EventMethod<T>>) => void {
  return (target, key, descriptor) => {
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    EventPattern<string>(topic.name)(target, key, descriptor);
  };
}
