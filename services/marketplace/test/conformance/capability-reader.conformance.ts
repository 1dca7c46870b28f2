import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CapabilityReader } from "../../src/domain/ports.js";

export interface CapabilityReaderUnderTest {
  readonly reader: CapabilityReader;
  readonly peer: Peer;
  /** A published model about which three claims were made, the second on another test set, the third of UltraHonk; none is drawn. */
  readonly modelId: bigint;
  readonly drawer: string;
  close(): Promise<void>;
}

/** What every `CapabilityReader` of the marketplace does. */
export function capabilityReaderConformance(
  name: string,
  open: () => Promise<CapabilityReaderUnderTest>,
): void {
  describe(`${name} as CapabilityReader`, () => {
    let subject: CapabilityReaderUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("reads the newest claims first, with who drew and which attempt it is", async () => {
      const { reader, modelId, drawer } = subject;
      const found = await reader.capabilitiesOf(modelId, 20);
      expect(found.map(({ claim, attempt }) => [claim.claimId, attempt])).toEqual([
        [3n, 3],
        [2n, 2],
        [1n, 1],
      ]);
      expect(new Set(found.map((one) => one.drawer))).toEqual(new Set([drawer]));
      expect(found.every(({ state }) => state === "waiting-for-draw")).toBe(true);
      expect(new Set(found.map(({ claim }) => claim.publisher))).toEqual(new Set([drawer]));
    });

    it("says who can forge of the system that each claim's proofs are of", async () => {
      const [honk, groth16] = await subject.reader.capabilitiesOf(subject.modelId, 20);
      expect(honk?.trusted.join(" ")).toContain("UltraHonk proofs' reference string: forgeable by anybody");
      expect(honk?.trusted.join(" ")).not.toContain("Groth16");
      expect(groth16?.trusted.join(" ")).toContain("Groth16 key");
    });

    it("counts the attempts that it does not show", async () => {
      const [newest, ...others] = await subject.reader.capabilitiesOf(subject.modelId, 1);
      expect(others).toEqual([]);
      expect(newest).toMatchObject({ attempt: 3, claim: { claimId: 3n } });
    });

    it("knows of no claims about other models", async () => {
      expect(await subject.reader.capabilitiesOf(subject.modelId + 1n, 20)).toEqual([]);
    });

    it("says when the node is away, and reads the same afterwards", async () => {
      const { reader, peer, modelId } = subject;
      await expectOutageSurvived(peer, () => reader.capabilitiesOf(modelId, 20), "chain-unavailable");
    });
  });
}
