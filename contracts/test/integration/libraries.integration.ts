import { JOB_ACTIONS, JOB_STATES, nextState } from "@aios/core-settlement/job-state-table";
import { type JobPriceTerms, jobCost, MAX_AMOUNT_WEI, splitJobPayment } from "@aios/core-settlement/splits";
import { ContractFactory } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi, bytecode } from "../../generated/test/library-harness.js";
import { Reverted, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";

let chain: TestChain;
let harness: TestContract;

beforeAll(async () => {
  chain = await startChain();
  const deployed = await new ContractFactory(abi, bytecode, chain.funder).deploy();
  await deployed.waitForDeployment();
  harness = new TestContract(await deployed.getAddress(), abi, chain.funder);
});
afterAll(() => chain?.stop());

const amount = fc.oneof(
  fc.bigInt({ min: 0n, max: 30_000n }),
  fc.bigInt({ min: 0n, max: 10n ** 27n }),
  fc.bigInt({ min: 0n, max: MAX_AMOUNT_WEI }),
  fc.constantFrom(0n, 1n, MAX_AMOUNT_WEI),
);
const bps = fc.oneof(fc.nat({ max: 10_000 }), fc.constantFrom(0, 1, 500, 700, 9_999, 10_000));
const terms: fc.Arbitrary<JobPriceTerms> = fc.record({
  providerPriceWei: amount,
  proverFeeWei: amount,
  usageFeeWei: amount,
  royaltyBps: bps,
  protocolFeeBps: bps,
});

describe("PaymentSplit.sol", () => {
  it("computes what TypeScript computes, integer for integer, over the whole range", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(terms, { minLength: 25, maxLength: 25 }), async (batch) => {
        const results = (await harness.read("costs", [batch])) as {
          royaltyWei: bigint;
          protocolFeeWei: bigint;
          totalWei: bigint;
        }[];
        for (const [index, item] of batch.entries()) {
          const expected = jobCost(item);
          const { royaltyWei, protocolFeeWei, totalWei } = results[index] ?? {};
          expect({ royaltyWei, protocolFeeWei, totalWei }).toEqual({
            royaltyWei: expected.royaltyWei,
            protocolFeeWei: expected.protocolFeeWei,
            totalWei: expected.totalWei,
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it("halves a fee as TypeScript does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 0n, max: 10n ** 20n }), async (fee) => {
        const [burned, treasury] = (await harness.read("halveFee", [fee])) as [bigint, bigint];
        const split = splitJobPayment(
          { providerPriceWei: fee, proverFeeWei: 0n, usageFeeWei: 0n, royaltyBps: 0, protocolFeeBps: 10_000 },
          2n * fee,
        );
        expect([burned, treasury]).toEqual([split.feeBurnedWei, split.feeTreasuryWei]);
      }),
      { numRuns: 40 },
    );
  });
});

describe("JobStates.sol", () => {
  it("allows the table's transitions and no others", async () => {
    for (const [from, state] of JOB_STATES.entries()) {
      for (const [index, action] of JOB_ACTIONS.entries()) {
        const outcome = await harness.read("next", [from, index]).catch((error: unknown) => error);
        const expected = nextState(state, action);
        if (expected !== undefined) {
          expect(JOB_STATES[Number(outcome)], `${state} ${action}`).toBe(expected);
          continue;
        }
        expect(outcome, `${state} ${action}`).toBeInstanceOf(Reverted);
        expect((outcome as Reverted).decoded).toMatchObject({
          error: "TransitionNotAllowed",
          args: { from: state, action },
        });
      }
    }
  });
});
