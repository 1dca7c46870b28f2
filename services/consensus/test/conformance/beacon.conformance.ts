import type { Beacon } from "@aios/consensus/domain/ports";
import { type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const parents = fc.uniqueArray(
  fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((hash) => bytes32(`0x${Buffer.from(hash).toString("hex")}`)),
  { minLength: 2, maxLength: 8 },
);

/** What every `Beacon` does. `open` makes one as each node has its own. */
export function beaconConformance(name: string, open: () => Beacon): void {
  describe(`${name} as Beacon`, () => {
    it("says 32 bytes, the same on every node and whenever it is asked, others after another parent", async () => {
      const [own, other] = [open(), open()];
      await fc.assert(
        fc.asyncProperty(parents, async (hashes) => {
          const ask = (beacon: Beacon, order: readonly number[]): Promise<(readonly [number, Bytes32])[]> =>
            Promise.all(
              order.map(async (at) => {
                const hash = hashes[at] as Bytes32;
                return [at, await beacon.valueAfter({ hash, number: at })] as const;
              }),
            );
          const heights = [...hashes.keys()];
          const said = new Map(await ask(own, heights));
          for (const [at, value] of await ask(other, heights.toReversed())) expect(value).toBe(said.get(at));
          for (const value of said.values()) expect(bytes32(value)).toBe(value);
          expect(new Set(said.values()).size).toBe(hashes.length);
        }),
      );
    });

    it("gives up with the reason of who asked", async () => {
      const why = new Error("stopping");
      const parent = { hash: bytes32(`0x${"ab".repeat(32)}`), number: 1 };
      await expect(open().valueAfter(parent, AbortSignal.abort(why))).rejects.toBe(why);
    });
  });
}
