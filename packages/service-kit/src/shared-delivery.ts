import { type EventBatchHandler, LARGEST_DELIVERY, type ReceivedEvent } from "./event-bus.js";
import { TurnBatch } from "./turn-batch.js";

/** Events of one topic and partition, in their order. */
type Part = readonly ReceivedEvent[];

/**
 * Gives a batch handler at once what several partitions of a topic bring in the same turn of the event loop, as long as
 * it is small: one transaction for all of them in place of one for each. What fails together is given to it again by
 * partition, so that a bad event concerns only its own.
 */
export class SharedDelivery {
  readonly #handler: EventBatchHandler | undefined;
  readonly #turn = new TurnBatch<Part, boolean>((parts) => this.#deliverAll(parts));

  constructor(handler: EventBatchHandler | undefined) {
    this.#handler = handler;
  }

  /** True once the handler took all of these; otherwise each has to be delivered alone. */
  async deliver(events: Part): Promise<boolean> {
    return this.#handler !== undefined && events.length > 0 && (await this.#turn.hand(events));
  }

  #deliverAll(parts: readonly Part[]): (part: Part) => Promise<boolean> {
    const answers = new Map<Part, Promise<boolean>>();
    for (const group of smallGroups(parts)) {
      const together = group.length > 1 ? this.#handles(group.flat()) : Promise.resolve(false);
      for (const part of group)
        answers.set(
          part,
          together.then((handled) => handled || this.#handles(part)),
        );
    }
    return (part) => answers.get(part) ?? Promise.resolve(false);
  }

  async #handles(events: Part): Promise<boolean> {
    if (this.#handler === undefined || events.length < 2) return false;
    return this.#handler(events).then(
      () => true,
      () => false,
    );
  }
}

/** Parts of one topic each, in their order, together at most `LARGEST_DELIVERY` events. */
function smallGroups(parts: readonly Part[]): readonly (readonly Part[])[] {
  const groups: Part[][] = [];
  const lastOf = new Map<string, Part[]>();
  for (const part of parts) {
    const topic = part[0]?.topic ?? "";
    const last = lastOf.get(topic) ?? [];
    const size = last.reduce((sum, { length }) => sum + length, part.length);
    if (last.length > 0 && size <= LARGEST_DELIVERY) {
      last.push(part);
    } else {
      const group = [part];
      groups.push(group);
      lastOf.set(topic, group);
    }
  }
  return groups;
}
