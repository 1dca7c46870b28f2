import { address, bytes32, tenantOfAccount } from "@aios/kernel/identifiers";
import { currentOnBehalfOf } from "@aios/service-kit/caller-context";
import { systemClock } from "@aios/service-kit/system-clock";
import { describe, expect, it } from "vitest";
import type { Model, Purchase } from "../domain/model.js";
import { UnfinishedRepeater } from "./repeat-unfinished.js";

const OWNER = address(`0x${"a1".repeat(20)}`);

function draft(draftId: string): Model {
  return {
    draftId,
    ceremony: undefined,
    wantsHonkKey: false,
    honkKey: undefined,
    honkRefusal: undefined,
    sequence: 1n,
    tenant: tenantOfAccount(OWNER),
    owner: OWNER,
    state: "draft",
    name: "digits",
    description: "",
    contentCid: "bafkreiabc",
    modelCommitment: bytes32(`0x${"ab".repeat(32)}`),
    licencePriceWei: 1n,
    royaltyBps: 700,
    usageFeeWei: 1n,
    reportJson: "{}",
    verifyingKey: undefined,
    publication: undefined,
    modelId: undefined,
    transactionHash: "",
    failure: undefined,
    createdAtMs: 0,
  };
}

describe("unfinished steps", () => {
  it("are repeated for whom they were made: a peer takes them for the same request", async () => {
    const BUYER = address(`0x${"b2".repeat(20)}`);
    const madeFor: Record<string, unknown> = {};
    const note = (step: string) => async (): Promise<void> => {
      madeFor[step] = currentOnBehalfOf();
    };
    const purchase = { buyer: BUYER, tenant: tenantOfAccount(BUYER) } as Purchase;
    const repeater = new UnfinishedRepeater(
      { inState: async (state) => [{ ...draft(state), state }] },
      { submitted: async () => [purchase] },
      {
        setUpKeys: note("setUpKeys"),
        checkKeys: async () => {
          await note("checkKeys")();
          return { kind: "setting-up", stage: "", percent: 0, message: "" };
        },
      },
      { relay: note("publication") },
      { relay: note("purchase") },
      systemClock,
      1_000,
      (_, error) => expect.fail(String(error)),
    );
    await repeater.runOnce();
    const owner = { account: OWNER, tenant: tenantOfAccount(OWNER) };
    expect(madeFor).toEqual({
      setUpKeys: owner,
      checkKeys: owner,
      publication: owner,
      purchase: { account: BUYER, tenant: tenantOfAccount(BUYER) },
    });
  });

  it("are taken up one by one: a row that fails keeps none of the others waiting", async () => {
    const takenUp: string[] = [];
    const problems: unknown[] = [];
    const work = async ({ draftId }: Model): Promise<void> => {
      if (draftId === "broken") throw new Error("this row always fails");
      takenUp.push(draftId);
    };
    const repeater = new UnfinishedRepeater(
      { inState: async (state) => (state === "draft" ? [draft("broken"), draft("sound")] : []) },
      { submitted: async () => Promise.reject(new Error("the database is away")) },
      { setUpKeys: work, checkKeys: async () => expect.fail("no keys are under way") },
      { relay: work },
      { relay: async () => undefined },
      systemClock,
      1_000,
      (_, error) => problems.push(error),
    );
    await repeater.runOnce();
    expect(takenUp).toEqual(["sound"]);
    expect(problems).toEqual([
      expect.objectContaining({ message: "this row always fails" }),
      expect.objectContaining({ message: "the database is away" }),
    ]);
  });
});
