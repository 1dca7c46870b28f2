import { describe, expect, it } from "vitest";
import { LARGEST_DELIVERY, type ReceivedEvent } from "./event-bus.js";
import { SharedDelivery } from "./shared-delivery.js";

function events(topic: string, partition: number, count: number): readonly ReceivedEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${topic}/${partition}/${index}`,
    topic,
    key: "k",
    payload: Buffer.of(index),
    headers: {},
    partition,
    offset: BigInt(index),
    occurredAtMs: 0,
    attempt: 1,
    signal: new AbortController().signal,
  }));
}

describe("a shared delivery", () => {
  it("calls the handler once for the few events of several partitions", async () => {
    const calls: string[][] = [];
    const shared = new SharedDelivery(async (together) => void calls.push(together.map(({ id }) => id)));
    expect(
      await Promise.all([
        shared.deliver(events("a", 0, 2)),
        shared.deliver(events("b", 0, 1)),
        shared.deliver(events("a", 1, 1)),
        shared.deliver(events("b", 1, 1)),
      ]),
    ).toEqual([true, true, true, true]);
    expect(calls).toEqual([
      ["a/0/0", "a/0/1", "a/1/0"],
      ["b/0/0", "b/1/0"],
    ]);
  });

  it("gives at most as many at once as one partition may bring", async () => {
    const sizes: number[] = [];
    const shared = new SharedDelivery(async (together) => void sizes.push(together.length));
    const half = LARGEST_DELIVERY / 2;
    await Promise.all([LARGEST_DELIVERY, half, half, 2].map((n, i) => shared.deliver(events("a", i, n))));
    expect(sizes).toEqual([LARGEST_DELIVERY, LARGEST_DELIVERY, 2]);
  });

  it("gives what fails together to the handler by partition, and says which of them failed again", async () => {
    const calls: number[] = [];
    const shared = new SharedDelivery(async (together) => {
      calls.push(together.length);
      if (together.some(({ partition }) => partition === 1)) throw new Error("one of them is bad");
    });
    const handled = await Promise.all(
      [0, 1, 2].map((partition) => shared.deliver(events("a", partition, 2))),
    );
    expect(handled).toEqual([true, false, true]);
    expect(calls).toEqual([6, 2, 2, 2]);
  });

  it("leaves a single event, and all of a member without such a handler, to be delivered alone", async () => {
    const calls: number[] = [];
    const shared = new SharedDelivery(async (together) => void calls.push(together.length));
    expect(await shared.deliver(events("a", 0, 1))).toBe(false);
    expect(await shared.deliver([])).toBe(false);
    expect(await new SharedDelivery(undefined).deliver(events("a", 0, 2))).toBe(false);
    expect(calls).toEqual([]);
  });
});
