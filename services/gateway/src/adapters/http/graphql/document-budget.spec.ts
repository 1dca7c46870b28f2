import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DocumentBudget } from "./document-budget.js";

const amounts = fc.record({ calls: fc.nat(30), fields: fc.nat(250) });

describe("the budget of a document", () => {
  it("charges what comes on top exactly once, and never more than the limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(50), fc.nat(100), fc.array(amounts), async (counted, room, spent) => {
        let charged = 0;
        const budget = new DocumentBudget(counted, counted + room, async (tokens) => {
          charged += tokens;
        });
        let [calls, fields] = [0, 0];
        for (const each of spent) {
          calls += each.calls;
          fields += each.fields;
          const beyond = calls + Math.floor(fields / 100);
          const outcome = await budget.spend(each).then(
            () => "spent",
            (error: { code: string }) => error.code,
          );
          expect(outcome).toBe(beyond <= room ? "spent" : "query-too-expensive");
          if (beyond <= room) expect(charged).toBe(beyond);
        }
        expect(charged).toBeLessThanOrEqual(room);
        expect(budget.cost).toBe(counted + charged);
      }),
    );
  });

  it("begins anew for the next result of a subscription", async () => {
    const budget = new DocumentBudget(1, 3, async () => undefined);
    await budget.spend({ calls: 2, fields: 0 });
    budget.renew();
    await expect(budget.spend({ calls: 2, fields: 0 })).resolves.toBeUndefined();
  });
});
