import type { Rng } from "@aios/kernel/random";
import { describe, expect, it } from "vitest";

/** Every adapter of `Rng` passes this. */
export function rngConformance(name: string, start: () => Rng): void {
  describe(`${name} as Rng`, () => {
    it("gives as many bytes as it is asked for, in an array of the caller's own", () => {
      const rng = start();
      for (const length of [0, 1, 3, 32, 1_000]) {
        const bytes = rng.bytes(length);
        expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
        expect(bytes).toHaveLength(length);
        expect(bytes.byteOffset).toBe(0);
        expect(bytes.buffer.byteLength).toBe(length);
      }
      const first = rng.bytes(16);
      const copy = Uint8Array.from(first);
      rng.bytes(16).fill(0);
      expect(first).toEqual(copy);
    });

    it("gives other bytes each time, and every value about as often", () => {
      const rng = start();
      expect(rng.bytes(16)).not.toEqual(rng.bytes(16));
      const counts = new Array<number>(256).fill(0);
      for (const byte of rng.bytes(64 * 1024)) counts[byte] = (counts[byte] ?? 0) + 1;
      // 256 expected of each with a deviation of 16: ten of these are out of reach of chance.
      for (const count of counts) expect(Math.abs(count - 256)).toBeLessThan(160);
    });
  });
}
