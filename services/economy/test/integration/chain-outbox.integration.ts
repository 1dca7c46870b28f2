import { randomBytes } from "node:crypto";
import { abi as receiptRegistryAbi } from "@aios/contracts/abi/receipt-registry";
import { address, tenantOfAccount } from "@aios/kernel/identifiers";
import { ChainSigner, TransactionState } from "@aios/proto/aios/economy/v1/economy";
import { actingFor } from "@aios/service-kit/caller-context";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { Contract, getBytes, Interface } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  economyClient,
  economyEnv,
  type Foundation,
  startEconomy,
  startFoundation,
} from "../support/economy-platform.js";
import { ACCOUNTS, deployTestProtocol, startTestChain, type TestChain } from "../support/test-chain.js";

const receipts = new Interface(receiptRegistryAbi);

function anchorCall(batch: number): Uint8Array {
  return getBytes(receipts.encodeFunctionData("anchor", [batch, randomBytes(32), 1]));
}

describe("the chain-write outbox on our own chain", () => {
  let foundation: Foundation;
  let chain: TestChain;
  let contracts: Readonly<Record<string, string>>;
  let env: Record<string, string>;
  let economy: ServiceProcess;

  beforeAll(async () => {
    [foundation, chain] = await Promise.all([startFoundation(), startTestChain()]);
    contracts = await deployTestProtocol(chain.provider);
    env = await economyEnv(foundation, chain.url);
    economy = await startEconomy(env);
  });

  afterAll(async () => {
    await economy?.stop();
    await chain?.stop();
    await foundation?.stop();
  });

  const client = (caller: "scoring" | "compute" | "gateway") =>
    economyClient(foundation, economy.ports.grpcPort, caller);

  const batchCount = async (): Promise<number> =>
    Number(
      await new Contract(contracts["ReceiptRegistry"] ?? "", receiptRegistryAbi, chain.provider).getFunction(
        "batchCount",
      )(),
    );

  async function submit(key: string, data: Uint8Array) {
    const scoring = await client("scoring");
    const request = {
      idempotencyKey: key,
      signer: ChainSigner.CHAIN_SIGNER_ANCHOR,
      contract: "ReceiptRegistry",
      data,
      valueWei: "0",
      purpose: "anchor-receipts",
      subject: "",
    };
    const { transaction } = await scoring.submitTransaction(request, { idempotent: true });
    if (transaction === undefined) throw new Error("no transaction was answered");
    return transaction;
  }

  async function untilFinal(transactionId: string) {
    const scoring = await client("scoring");
    const states: TransactionState[] = [];
    for await (const { transaction } of scoring.watchTransaction({ transactionId })) {
      if (transaction !== undefined) states.push(transaction.state);
    }
    const { transaction } = await scoring.getTransaction({ transactionId });
    return { states, transaction };
  }

  it("takes a request from queued to final, once per key", async () => {
    const data = anchorCall(1);
    const first = await submit("first", data);
    const { states, transaction } = await untilFinal(first.transactionId);
    expect(states.at(-1)).toBe(TransactionState.TRANSACTION_STATE_FINAL);
    expect(transaction?.gasUsed).toBeGreaterThan(21_000);
    const receipt = await chain.provider.getTransactionReceipt(transaction?.transactionHash ?? "");
    expect(receipt?.status).toBe(1);
    expect(receipt?.from).toBe(ACCOUNTS.anchor.address);
    const again = await submit("first", data);
    expect(again.transactionId).toBe(first.transactionId);
    await expect(submit("first", anchorCall(2))).rejects.toMatchObject({ code: "idempotency-key-reused" });
    expect(await batchCount()).toBe(1);
  });

  it("shows a user its own transactions only, by id as by hash", async () => {
    const [scoring, gateway] = [await client("scoring"), await client("gateway")];
    const asOf = <T>(digit: string, work: () => T): T => {
      const account = address(`0x${digit.repeat(40)}`);
      return actingFor({ account, tenant: tenantOfAccount(account) }, work);
    };
    const request = {
      idempotencyKey: "of-a",
      signer: ChainSigner.CHAIN_SIGNER_ANCHOR,
      contract: "ReceiptRegistry",
      data: anchorCall(78),
      valueWei: "0",
      purpose: "anchor-receipts",
      subject: "",
    };
    const { transaction } = await asOf("a", () => scoring.submitTransaction(request));
    const transactionId = transaction?.transactionId ?? "";
    expect(
      (await asOf("a", () => gateway.getTransaction({ transactionId }))).transaction?.transactionId,
    ).toBe(transactionId);
    const hidden = { code: "transaction-not-found" };
    await expect(asOf("b", () => gateway.getTransaction({ transactionId }))).rejects.toMatchObject(hidden);
    await expect(gateway.getTransaction({ transactionId })).rejects.toMatchObject(hidden);
    await untilFinal(transactionId);
  });

  it("refuses signers, contracts and functions that the policy does not name", async () => {
    const compute = await client("compute");
    const request = {
      idempotencyKey: "stolen",
      signer: ChainSigner.CHAIN_SIGNER_ANCHOR,
      contract: "ReceiptRegistry",
      data: anchorCall(2),
      valueWei: "0",
      purpose: "anchor-receipts",
      subject: "",
    };
    await expect(compute.submitTransaction(request)).rejects.toMatchObject({ code: "signer-not-allowed" });
    await expect(
      submit("other-function", getBytes(receipts.encodeFunctionData("batchCount", []))),
    ).rejects.toMatchObject({
      code: "signer-not-allowed",
    });
  });

  it("fails a call that would revert without spending a nonce, and says why", async () => {
    const before = await chain.provider.getTransactionCount(ACCOUNTS.anchor.address);
    const { transactionId } = await submit("out-of-order", anchorCall(77));
    const { transaction } = await untilFinal(transactionId);
    expect(transaction?.state).toBe(TransactionState.TRANSACTION_STATE_FAILED);
    expect(transaction?.errorCode).toBe("reverted");
    expect(JSON.parse(transaction?.errorDetailsJson ?? "")).toMatchObject({
      error: "BatchOutOfOrder",
      args: { given: "77", expected: "2" },
    });
    expect(await chain.provider.getTransactionCount(ACCOUNTS.anchor.address)).toBe(before);
  });

  it("carries calls that build on each other in the order of their arrival", async () => {
    const first = (await batchCount()) + 1;
    const submitted = [];
    for (let batch = first; batch < first + 12; batch++)
      submitted.push(await submit(`chain-${batch}`, anchorCall(batch)));
    for (const { transactionId } of submitted) {
      const { transaction } = await untilFinal(transactionId);
      expect(transaction?.state).toBe(TransactionState.TRANSACTION_STATE_FINAL);
    }
    expect(await batchCount()).toBe(first + 11);
  });

  it.each([
    "economy.send.before-store",
    "economy.send.after-store",
    "economy.send.after-broadcast",
    "economy.index.before-store",
    "economy.index.after-store",
  ])("loses nothing and sends nothing twice when killed at %s", async (point) => {
    const batch = (await batchCount()) + 1;
    const nonce = await chain.provider.getTransactionCount(ACCOUNTS.anchor.address);
    await economy.restart({ AIOS_CRASH_AT: `${point}=${foundation.directory}/${point}` });
    const ended = economy.ended();
    await submit(`crash-${point}`, anchorCallOf(point, batch)).catch(() => undefined);
    expect((await ended).signal).toBe("SIGKILL");
    await economy.restart();
    const { transactionId } = await submit(`crash-${point}`, anchorCallOf(point, batch));
    const { transaction } = await untilFinal(transactionId);
    expect(transaction?.state).toBe(TransactionState.TRANSACTION_STATE_FINAL);
    expect(await batchCount()).toBe(batch);
    expect(await chain.provider.getTransactionCount(ACCOUNTS.anchor.address)).toBe(nonce + 1);
  });

  it("goes on after the node and after Postgres came back", async () => {
    const batch = (await batchCount()) + 1;
    await chain.restart();
    const first = await submit("after-node", anchorCall(batch));
    expect((await untilFinal(first.transactionId)).transaction?.state).toBe(
      TransactionState.TRANSACTION_STATE_FINAL,
    );
    await foundation.postgres.kill();
    await foundation.postgres.restart();
    const second = await eventually(() => submit("after-postgres", lastCall(batch + 1)));
    expect((await untilFinal(second.transactionId)).transaction?.state).toBe(
      TransactionState.TRANSACTION_STATE_FINAL,
    );
    expect(await batchCount()).toBe(batch + 1);
  });
});

const calls = new Map<string, Uint8Array>();

/** The same bytes for the same name: a request that is repeated must not change. */
function anchorCallOf(name: string, batch: number): Uint8Array {
  const known = calls.get(name) ?? anchorCall(batch);
  calls.set(name, known);
  return known;
}

function lastCall(batch: number): Uint8Array {
  return anchorCallOf("last", batch);
}
