import { describe, expect, it } from "vitest";
import { MessageQueue } from "./message-queue.js";

describe("message queue", () => {
  it("keeps order, wakes its reader, refuses above its bound and after its end", async () => {
    const queue = new MessageQueue<number>(2);
    const read: number[] = [];
    const reader = (async () => {
      for await (const item of queue) read.push(item);
    })();
    expect(queue.push(1)).toBe(true);
    await Promise.resolve();
    expect(queue.push(2)).toBe(true);
    queue.close();
    expect(queue.push(3)).toBe(false);
    await reader;
    expect(read).toEqual([1, 2]);
    const full = new MessageQueue<number>(1);
    expect([full.push(1), full.push(2)]).toEqual([true, false]);
  });
});
