import fc from "fast-check";
import { expect, it } from "vitest";
import { finalizedHeight, heightOfTag } from "./block-tag.js";

it("orders the tags: earliest ≤ finalized ≤ safe ≤ latest, with finalized one checkpoint behind", () => {
  fc.assert(
    fc.property(fc.nat(), (latest) => {
      const heights = (["earliest", "finalized", "safe", "latest"] as const).map((tag) =>
        heightOfTag(tag, latest),
      );
      expect([...heights].sort((a, b) => a - b)).toEqual(heights);
      expect(heights[3]).toBe(latest);
      expect(finalizedHeight(latest)).toBe(latest === 0 ? 0 : latest - 1);
    }),
  );
});
