import { randomBytes } from "node:crypto";
import { abi as receiptRegistryAbi } from "@aios/contracts/abi/receipt-registry";
import { ChainSigner, TransactionState } from "@aios/proto/aios/economy/v1/economy";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { getBytes, Interface } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  economyClient,
  economyEnv,
  type Foundation,
  startEconomy,
  startFoundation,
} from "../support/economy-platform.js";
import { LossyNode } from "../support/lossy-node.js";
import { ACCOUNTS, deployTestProtocol, startTestChain, type TestChain } from "../support/test-chain.js";

const receipts = new Interface(receiptRegistryAbi);

describe("a transaction that does not get through", () => {
  let foundation: Foundation;
  let chain: TestChain;
  let node: LossyNode;
  let economy: ServiceProcess;
  let batch = 0;

  beforeAll(async () => {
    [foundation, chain] = await Promise.all([startFoundation(), startTestChain()]);
    await deployTestProtocol(chain.provider);
    node = new LossyNode(chain.url);
    await node.start();
    economy = await startEconomy({
      ...(await economyEnv(foundation, node.url)),
      CHAIN_POLL_INTERVAL: "50ms",
      TX_STUCK_AFTER: "4s",
      TX_RESCUE_INTERVAL: "50ms",
    });
  });

  beforeEach(() => {
    node.broadcasts.length = 0;
  });

  afterAll(async () => {
    await economy?.stop();
    await node?.stop();
    await chain?.stop();
    await foundation?.stop();
  });

  async function submitAnchor() {
    batch += 1;
    const scoring = await economyClient(foundation, economy.ports.grpcPort, "scoring");
    const { transaction } = await scoring.submitTransaction({
      idempotencyKey: `anchor-${batch}`,
      signer: ChainSigner.CHAIN_SIGNER_ANCHOR,
      contract: "ReceiptRegistry",
      data: getBytes(receipts.encodeFunctionData("anchor", [batch, randomBytes(32), 1])),
      valueWei: "0",
      purpose: "anchor-receipts",
      subject: "",
    });
    return { transactionId: transaction?.transactionId ?? "" };
  }

  async function untilFinal(transactionId: string) {
    const scoring = await economyClient(foundation, economy.ports.grpcPort, "scoring");
    for await (const { transaction: now } of scoring.watchTransaction({ transactionId })) {
      if (now?.state === TransactionState.TRANSACTION_STATE_FINAL) return now;
    }
    throw new Error("the transaction did not become final");
  }

  async function anchorOnce() {
    const { transactionId } = await submitAnchor();
    return untilFinal(transactionId);
  }

  it("is broadcast again, the same bytes, when the node lost it", async () => {
    node.fateOf = (_hash, nth) => (nth === 1 ? "lose" : "forward");
    const { transactionHash } = await anchorOnce();
    expect(node.broadcasts.length).toBeGreaterThanOrEqual(2);
    expect(new Set(node.broadcasts)).toEqual(new Set([transactionHash]));
  });

  it("is replaced under the same nonce at a higher fee when it is stuck", async () => {
    let first = "";
    node.fateOf = (hash) => {
      if (first === "") first = hash;
      return hash === first ? "hold" : "forward";
    };
    const { transactionHash } = await anchorOnce();
    expect(transactionHash).not.toBe(first);
    expect(node.broadcasts).toContain(first);
    const mined = await chain.provider.getTransaction(transactionHash);
    expect(mined?.nonce).toBe(1);
    expect(await chain.provider.getTransaction(first)).toBeNull();
    const scoring = await economyClient(foundation, economy.ports.grpcPort, "scoring");
    const byOldHash = await scoring.getTransaction({ transactionId: first });
    expect(byOldHash.transaction?.transactionHash).toBe(transactionHash);
  });

  it.each(["economy.replace.before-store", "economy.replace.after-store"])(
    "is replaced once, also when the service is killed at %s",
    async (point) => {
      const nonce = await chain.provider.getTransactionCount(ACCOUNTS.anchor.address);
      await economy.restart({ AIOS_CRASH_AT: `${point}=${foundation.directory}/${point}` });
      const ended = economy.ended();
      let first = "";
      node.fateOf = (hash) => {
        if (first === "") first = hash;
        return hash === first ? "hold" : "forward";
      };
      const { transactionId } = await submitAnchor();
      expect((await ended).signal).toBe("SIGKILL");
      await economy.restart();
      const { transactionHash } = await untilFinal(transactionId);
      expect(transactionHash).not.toBe(first);
      expect((await chain.provider.getTransaction(transactionHash))?.nonce).toBe(nonce);
      expect(await chain.provider.getTransactionCount(ACCOUNTS.anchor.address)).toBe(nonce + 1);
    },
  );
});
