import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex, toHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { Wallet } from "ethers";
import { afterAll, describe, expect, it } from "vitest";
import type { CaseResult } from "../suite.js";
import { stateSuite } from "./state.js";
import { refusalRemark } from "./state-exceptions.js";

const folder = mkdtempSync(join(tmpdir(), "aios-state-suite-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SENDER = `0x${"11".repeat(20)}`;
const LOGGER = `0x${"22".repeat(20)}`;
const authority = new Wallet(`0x${"33".repeat(32)}`);
const authorization = authority.authorizeSync({ address: LOGGER, nonce: 0, chainId: 1 });
const NO_LOGS = toHex(keccak256(encodeRlp([])));
const LOG_OF_AUTHORITY = toHex(keccak256(encodeRlp([[fromHex(authority.address), [], new Uint8Array(0)]])));
const account = (balance: string, code = "0x") => ({ nonce: "0x00", balance, code, storage: {} });

/** A delegation and a call through it: the code at `LOGGER` emits one log. */
interface Changes {
  readonly gas?: string;
  readonly value?: string;
  readonly yParity?: number;
  readonly expectException?: string;
  readonly logs?: string;
  readonly fork?: string;
}

function vector(changes: Changes) {
  const { r, s, yParity } = authorization.signature;
  return {
    case: {
      env: {
        currentCoinbase: `0x${"44".repeat(20)}`,
        currentGasLimit: "0x1000000",
        currentNumber: "0x01",
        currentTimestamp: "0x3e8",
        currentBaseFee: "0x07",
        currentRandom: "0x00",
      },
      pre: { [SENDER]: account("0x3635c9adc5dea00000"), [LOGGER]: account("0x00", "0x5f5fa000") },
      transaction: {
        nonce: "0x00",
        maxFeePerGas: "0x07",
        maxPriorityFeePerGas: "0x00",
        gasLimit: [changes.gas ?? "0x30d40"],
        value: [changes.value ?? "0x00"],
        data: ["0x"],
        to: authority.address,
        sender: SENDER,
        authorizationList: [
          {
            chainId: "0x01",
            address: LOGGER,
            nonce: "0x00",
            v: "0x00",
            yParity: `0x0${changes.yParity ?? yParity}`,
            r,
            s,
            // Must not be believed.
            signer: authority.address,
          },
        ],
      },
      post: {
        [changes.fork ?? "Prague"]: [
          {
            hash: `0x${"00".repeat(32)}`,
            logs: changes.logs ?? LOG_OF_AUTHORITY,
            indexes: { data: 0, gas: 0, value: 0 },
            ...(changes.expectException === undefined ? {} : { expectException: changes.expectException }),
          },
        ],
      },
    },
  };
}

async function forksOf(forks: readonly string[]): Promise<string> {
  const details = [];
  for (const fork of forks) details.push(await detailOf({ fork }));
  return details.join("\n");
}

async function detailOf(changes: Changes): Promise<string | undefined> {
  const path = join(folder, "vector.json");
  writeFileSync(path, JSON.stringify(vector(changes)));
  const results: CaseResult[] = [];
  for await (const result of stateSuite.runFile(path)) results.push(result);
  expect(results.map(({ status }) => status)).toEqual(["failed"]);
  return results[0]?.detail;
}

describe("the state suite", () => {
  it("recovers the signer of an authorization and does not take the vector's word for it", async () => {
    expect(await detailOf({})).toMatch(/^state root /);
    expect(await detailOf({ yParity: 1 - authorization.signature.yParity })).toMatch(/^logs hash /);
    expect(await detailOf({ yParity: 2 })).toMatch(/^logs hash /);
  });

  it("wants a refusal where the vector names one, whatever its reason", async () => {
    const low = { gas: "0x5208", logs: NO_LOGS };
    expect(await detailOf({ ...low, expectException: "TransactionException.INTRINSIC_GAS_TOO_LOW" })).toMatch(
      /^state root /,
    );
    expect(await detailOf({ ...low, expectException: "SOMETHING_NEW" })).toMatch(/^state root /);
    expect(await detailOf({ expectException: "TransactionException.INTRINSIC_GAS_TOO_LOW" })).toMatch(
      /^the transaction ran/,
    );
  });

  it("remarks a refusal for another reason than the vector's", () => {
    const both = "TransactionException.SENDER_NOT_EOA|INTRINSIC_GAS_TOO_LOW";
    expect(refusalRemark("intrinsic-gas-too-low", both)).toBeUndefined();
    expect(refusalRemark("intrinsic-gas-too-low", "TransactionException.SENDER_NOT_EOA")).toBe(
      "refused with intrinsic-gas-too-low, expected TransactionException.SENDER_NOT_EOA",
    );
  });

  it("refuses numbers that no field can carry, as ethereum/tests writes them", async () => {
    const expectException = "TR_RLP_WRONGVALUE";
    const value = `0x:bigint 0x01${"00".repeat(32)}`;
    expect(await detailOf({ value, logs: NO_LOGS, expectException })).toMatch(/^state root /);
  });

  it("knows every fork from Berlin on, blob forks and glaciers too", async () => {
    expect(await forksOf(["Berlin", "ArrowGlacier", "BPO1", "BPO5"])).not.toContain("is not known");
    expect(await forksOf(["Amsterdam"])).toContain("fork Amsterdam is not known");
  });
});
