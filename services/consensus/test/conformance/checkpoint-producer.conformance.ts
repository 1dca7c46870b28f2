import type { CheckpointProducer } from "@aios/consensus/domain/ports";
import { eventually } from "@aios/testkit/eventually";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface CheckpointProducerUnderTest {
  producer(): CheckpointProducer;
  /** Sends the next transfer of one account; answers its hash. */
  send(): Promise<string>;
  /** Height of the block that a transaction is in; undefined while it waits. */
  heightOf(transactionHash: string): Promise<number | undefined>;
  /** Starts again on the same data after `stop`. */
  restart(): Promise<void>;
  /** What it works with ends without warning, and all starts again on what the disk has. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** What every `CheckpointProducer` does; the tests follow one chain. */
export function checkpointProducerConformance(
  name: string,
  open: () => Promise<CheckpointProducerUnderTest>,
): void {
  describe(`${name} as CheckpointProducer`, () => {
    let subject: CheckpointProducerUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    const mined = (hash: string): Promise<number> =>
      eventually(async () => {
        const height = await subject.heightOf(hash);
        if (height === undefined) throw new Error("it still waits");
        return height;
      }, PATIENCE_MS);

    it("makes what waits part of the chain, each once, and in the end final", async () => {
      const hashes = [await subject.send(), await subject.send(), await subject.send()];
      const heights: number[] = [];
      for (const hash of hashes) heights.push(await mined(hash));
      expect(heights.toSorted((a, b) => a - b)).toEqual(heights);
      const highest = Math.max(...heights);
      expect(subject.producer().latest().number).toBeGreaterThanOrEqual(highest);
      await eventually(
        () => expect(subject.producer().finalizedHeight()).toBeGreaterThanOrEqual(highest),
        PATIENCE_MS,
      );
    });

    it("never goes back, and is final no higher than its latest", async () => {
      let [height, finalized] = [0, 0];
      const hash = await subject.send();
      await eventually(async () => {
        const producer = subject.producer();
        const final = producer.finalizedHeight();
        const latest = producer.latest().number;
        expect(final).toBeLessThanOrEqual(latest);
        expect(latest).toBeGreaterThanOrEqual(height);
        expect(final).toBeGreaterThanOrEqual(finalized);
        [height, finalized] = [latest, final];
        const own = await subject.heightOf(hash);
        if (own === undefined || own > final) throw new Error("it is not final yet");
      }, PATIENCE_MS);
    });

    it("rests when it is stopped, with everything stored, and goes on after a restart", async () => {
      const before = await subject.send();
      const height = await mined(before);
      const producer = subject.producer();
      await producer.stop();
      const { number, hash } = producer.latest();
      producer.wake();
      await producer.stop();
      expect(producer.latest()).toMatchObject({ number, hash });
      await subject.restart();
      expect(await subject.heightOf(before)).toBe(height);
      expect(subject.producer().latest().number).toBeGreaterThanOrEqual(number);
      expect(await mined(await subject.send())).toBeGreaterThan(height);
    });

    it("has every block after a crash, and makes what was answered for part of the chain", async () => {
      const before = await subject.send();
      const height = await mined(before);
      const { number } = subject.producer().latest();
      const waiting = await subject.send();
      await subject.crash();
      expect(await subject.heightOf(before)).toBe(height);
      expect(subject.producer().latest().number).toBeGreaterThanOrEqual(number);
      expect(await mined(waiting)).toBeGreaterThan(height);
      expect(await mined(await subject.send())).toBeGreaterThan(height);
      expect(subject.producer().failures).toBe(0);
    });
  });
}
