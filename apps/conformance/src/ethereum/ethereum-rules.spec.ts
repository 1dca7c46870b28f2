import { describe, expect, it } from "vitest";
import { EthereumRules } from "./ethereum-rules.js";

const PRAGUE = { target: 6, max: 9, baseFeeUpdateFraction: 5_007_716 };
const BPO1 = { target: 10, max: 15, baseFeeUpdateFraction: 8_346_193 };
const rules = new EthereumRules({
  chainId: 1,
  homesteadBlock: 0,
  berlinBlock: 24,
  londonBlock: 27,
  grayGlacierBlock: 27,
  shanghaiTime: 390,
  cancunTime: 420,
  pragueTime: 450,
  bpo1Time: 510,
  depositContractAddress: "0x00",
  blobSchedule: { prague: PRAGUE, bpo1: BPO1 },
});

describe("a chain's forks", () => {
  it("are told as EIP-7910 has them: the one that holds, the next, the last", () => {
    const { current, next, last } = rules.forks({ number: 40, timestamp: 425 });
    expect(current).toMatchObject({ fork: "cancun", activationTime: 420, passed: [24, 27, 390, 420] });
    expect(current.systemContracts).not.toHaveProperty("HISTORY_STORAGE_ADDRESS");
    expect(next).toMatchObject({ fork: "prague", activationTime: 450, blobSchedule: PRAGUE });
    expect(last).toMatchObject({ fork: "prague", activationTime: 510, blobSchedule: BPO1 });
    expect(rules.forks({ number: 60, timestamp: 520 })).not.toHaveProperty("next");
  });

  it.each([
    ["access lists", { number: 23, timestamp: 0 }, { number: 24, timestamp: 0 }],
    ["fee markets", { number: 26, timestamp: 0 }, { number: 27, timestamp: 0 }],
    ["blobs", { number: 41, timestamp: 419 }, { number: 41, timestamp: 420 }],
    ["delegations", { number: 44, timestamp: 449 }, { number: 44, timestamp: 450 }],
  ] as const)("bring %s to transactions", (feature, before, since) => {
    expect(rules.isActive(feature, before)).toBe(false);
    expect(rules.isActive(feature, since)).toBe(true);
  });
});
