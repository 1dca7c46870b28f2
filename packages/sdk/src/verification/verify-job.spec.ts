import { abi as registryAbi } from "@aios/contracts/abi/receipt-registry";
import {
  type Delivery,
  deliveryTypedData,
  jobIdOfOrder,
  type Order,
  orderTypedData,
  type Receipt as ReceiptMessage,
  receiptDigest,
  receiptTypedData,
} from "@aios/core-settlement/order-digest";
import { PAYMENT_KINDS } from "@aios/core-settlement/splits";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { packOutput } from "@aios/core-zkml/output-packing";
import { Interface } from "ethers/abi";
import { keccak256 } from "ethers/crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { TypedData } from "../api-types.js";
import { AiosClient } from "../client.js";
import { toHex32 } from "../hex.js";
import type { RpcLog } from "../json-rpc.js";
import { privateKeySigner } from "../wallet.js";
import { escrowInterface } from "./chain-evidence.js";
import type { VerificationReport, VerifyJobOptions } from "./verification-report.js";
import { verifyJob } from "./verify-job.js";

const address = (digit: string): string => `0x${digit.repeat(40)}`;
const hash = (digit: string): string => `0x${digit.repeat(64)}`;
const [escrow, registry] = [address("e"), address("d")];
const escrowDomain = signingDomain(8018n, escrow);
const registryDomain = signingDomain(8018n, registry);
const buyer = privateKeySigner(hash("a"));
const provider = privateKeySigner(hash("b"));
const input = new Uint8Array(784).fill(3);
const salt = new Uint8Array(32).fill(8);
const [openTx, leaseTx, deliverTx, settleTx] = [hash("1"), hash("2"), hash("3"), hash("4")];
const output = packOutput([1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);

/** What the platform and the chain say; a test changes one thing and expects one check to fail. */
interface World {
  order: Order;
  orderSignature: string;
  delivery: Delivery;
  deliverySignature: string;
  receipt: ReceiptMessage;
  receiptSignature: string;
  shownOutput: string;
  payments: [(typeof PAYMENT_KINDS)[number], bigint][];
  shownPayments: bigint[];
  settledBlock: number;
  finalizedBlock: number;
  settlements: number;
  included: boolean;
  chainId: number;
}

let honest: World;
beforeAll(async () => {
  const order: Order = {
    buyer: buyer.address,
    jobKind: 2,
    modelId: 1n,
    licenceId: 1n,
    requestHash: hash("5"),
    inputCommitment: toHex32(inputCommitment(input, salt)),
    verifier: address("8"),
    matcher: address("3"),
    maxPriceWei: 1_000n,
    leaseBy: 1n,
    deliverWithinSeconds: 60n,
    settleWithinSeconds: 60n,
    nonce: 1n,
  };
  const jobId = jobIdOfOrder(escrowDomain, order);
  const outputHash = keccak256(toHex32(output));
  const receipt: ReceiptMessage = {
    kind: 5,
    jobId,
    provider: provider.address,
    counterparty: buyer.address,
    modelCommitment: hash("6"),
    inputCommitment: order.inputCommitment,
    outputHash,
    startedAtMs: 1n,
    finishedAtMs: 2n,
    promisedMs: 3n,
    workUnits: 4n,
    storedBytes: 0n,
    priceWei: 5n,
  };
  const delivery = {
    jobId,
    fencingToken: 2n,
    output,
    outputHash,
    receiptHash: receiptDigest(registryDomain, receipt),
  };
  const sign = (signer: typeof buyer, payload: unknown): Promise<string> =>
    signer.signTypedData(payload as TypedData);
  honest = {
    order,
    orderSignature: await sign(buyer, orderTypedData(escrowDomain, order)),
    delivery,
    deliverySignature: await sign(provider, deliveryTypedData(escrowDomain, delivery)),
    receipt,
    receiptSignature: await sign(provider, receiptTypedData(registryDomain, receipt)),
    shownOutput: toHex32(output),
    payments: [
      ["escrow", 1_000n],
      ["provider", 600n],
      ["protocol-fee-burned", 20n],
      ["protocol-fee-treasury", 20n],
      ["refund", 360n],
    ],
    shownPayments: [600n, 40n, 360n],
    settledBlock: 9,
    finalizedBlock: 10,
    settlements: 1,
    included: true,
    chainId: 8018,
  };
});

function log(name: string, values: unknown[], transactionHash: string, block: number): RpcLog {
  const { data, topics } = escrowInterface.encodeEventLog(name, values);
  return {
    address: escrow,
    data,
    topics,
    blockNumber: `0x${block.toString(16)}`,
    transactionHash,
    logIndex: "0x0",
  };
}

function logsOf(world: World): RpcLog[] {
  const { order, delivery } = world;
  const id = delivery.jobId;
  return [
    log(
      "JobOpened",
      [
        id,
        order.buyer,
        1n,
        2,
        1n,
        order.requestHash,
        order.inputCommitment,
        order.verifier,
        order.matcher,
        1_000n,
        1n,
      ],
      openTx,
      6,
    ),
    log("JobLeased", [id, provider.address, address("0"), 2n, 600n, 0n, 99n], leaseTx, 7),
    log(
      "JobDelivered",
      [id, provider.address, 2n, delivery.output, delivery.outputHash, delivery.receiptHash, 99n],
      deliverTx,
      8,
    ),
    ...world.payments.map(([kind, wei]) =>
      log("JobPayment", [id, PAYMENT_KINDS.indexOf(kind), address("7"), wei], settleTx, world.settledBlock),
    ),
    ...Array.from({ length: world.settlements }, () =>
      log(
        "JobSettled",
        [id, order.buyer, provider.address, 2n, delivery.outputHash, 0],
        settleTx,
        world.settledBlock,
      ),
    ),
  ];
}

function rpc(world: World, method: string, params: readonly unknown[]): unknown {
  const registryInterface = new Interface(registryAbi);
  const { order, delivery } = world;
  switch (method) {
    case "eth_chainId":
      return `0x${world.chainId.toString(16)}`;
    case "eth_getLogs":
      return logsOf(world);
    case "eth_getTransactionByHash": {
      const permit = { valueWei: 0n, deadline: 0n, signature: "0x" };
      const inputs: Record<string, string> = {
        [openTx]: escrowInterface.encodeFunctionData("open", [order, world.orderSignature, permit]),
        [deliverTx]: escrowInterface.encodeFunctionData("deliver", [delivery, world.deliverySignature]),
        [settleTx]: escrowInterface.encodeFunctionData("settle", [delivery.jobId, "0x"]),
      };
      return { hash: params[0], input: inputs[String(params[0])] };
    }
    case "eth_getTransactionReceipt":
      return { status: "0x1", gasUsed: "0x1", logs: [] };
    case "eth_getBlockByNumber":
      return { number: `0x${world.finalizedBlock.toString(16)}`, transactions: [] };
    case "eth_call":
      return registryInterface.encodeFunctionResult("isIncluded", [world.included]);
    default:
      throw new Error(`unexpected ${method}`);
  }
}

function answer(world: World, path: string): unknown {
  const jobId = honest.delivery.jobId;
  const receipt = {
    receiptId: honest.delivery.receiptHash,
    provider: provider.address,
    message: JSON.parse(
      JSON.stringify(world.receipt, (_key, value: unknown) =>
        typeof value === "bigint" ? value.toString() : value,
      ),
    ) as unknown,
    providerSignature: world.receiptSignature,
  };
  if (path === "/v1/protocol") {
    return {
      chainId: 8018,
      contracts: { JobEscrow: escrow, ReceiptRegistry: registry, Groth16ResultVerifier: address("9") },
      accounts: {},
    };
  }
  if (path === "/v1/auth/nonce") return { nonce: "0123456789abcdef", expiresAtMs: 1, chainId: 8018 };
  if (path === "/v1/auth/siwe")
    return { accessToken: "t", expiresAtMs: Date.now() + 900_000, account: buyer.address };
  if (path === `/v1/jobs/${jobId}`)
    return { jobId, kind: "inference", verification: "none", output: world.shownOutput, modelId: 1 };
  if (path.endsWith("/payments"))
    return { payments: world.shownPayments.map((wei) => ({ kind: "provider", amountWei: wei.toString() })) };
  if (path.endsWith("/receipts")) return { receipts: [receipt] };
  if (path.endsWith("/proof")) return { receipt, batch: 1, root: hash("c"), leafIndex: 0, siblings: [] };
  throw new Error(`unexpected ${path}`);
}

function verified(
  change: Partial<World>,
  options: VerifyJobOptions = { input, inputSalt: salt },
): Promise<VerificationReport> {
  const world = { ...honest, ...change };
  const client = new AiosClient({
    baseUrl: "http://gateway.test",
    signer: buyer,
    fetch: async (url, init) => {
      const path = new URL(url).pathname;
      if (path !== "/rpc") return Response.json(answer(world, path));
      const call = JSON.parse(String(init?.body)) as { id: number; method: string; params: unknown[] };
      if (call.method === "aios_getHonorSet")
        return Response.json({ jsonrpc: "2.0", id: call.id, error: { code: -32601, message: "one node" } });
      return Response.json({ jsonrpc: "2.0", id: call.id, result: rpc(world, call.method, call.params) });
    },
  });
  return verifyJob(client, honest.delivery.jobId, options);
}

function failed(report: VerificationReport): string[] {
  return report.checks.filter((check) => check.ok === false).map((check) => check.name);
}

it("finds nothing wrong with an honest job, and says what it trusted", async () => {
  const report = await verified({});
  expect(failed(report)).toEqual([]);
  expect(report.ok).toBe(true);
  const made = report.checks.filter((check) => check.ok === true).map((check) => check.name);
  expect(made).toEqual([
    "chain",
    "order-signature",
    "input",
    "delivery-signature",
    "output",
    "payments",
    "settlement",
    "receipt-signature",
    "receipt-anchored",
  ]);
  expect(report.trusted.join(" ")).toContain("one block producer");
});

it("leaves the input open for those who do not know it", async () => {
  const report = await verified({}, {});
  expect(report.checks.find((check) => check.name === "input")?.ok).toBeUndefined();
  expect(report.ok).toBe(true);
});

describe("notices", () => {
  it.each<[string, string, () => Partial<World>]>([
    ["another chain", "chain", () => ({ chainId: 1 })],
    [
      "an order that another key signed",
      "order-signature",
      () => ({ orderSignature: honest.deliverySignature }),
    ],
    [
      "an order that is not the job's",
      "order-signature",
      () => ({ order: { ...honest.order, maxPriceWei: 1_001n } }),
    ],
    [
      "a delivery that another key signed",
      "delivery-signature",
      () => ({ deliverySignature: honest.orderSignature }),
    ],
    [
      "a delivery under an old fencing token",
      "delivery-signature",
      () => ({ delivery: { ...honest.delivery, fencingToken: 1n } }),
    ],
    ["another output than the delivered one", "output", () => ({ shownOutput: toHex32(output + 1n) })],
    ["money that vanished", "payments", () => ({ payments: honest.payments.slice(0, -1) })],
    ["money that the gateway does not list", "payments", () => ({ shownPayments: [600n] })],
    ["two settlements", "settlement", () => ({ settlements: 2 })],
    ["a settlement that is not final", "settlement", () => ({ finalizedBlock: 8 })],
    ["a changed receipt", "receipt-signature", () => ({ receipt: { ...honest.receipt, workUnits: 400n } })],
    [
      "a receipt that another key signed",
      "receipt-signature",
      () => ({ receiptSignature: honest.orderSignature }),
    ],
    ["a receipt outside the anchored root", "receipt-anchored", () => ({ included: false })],
  ])("%s", async (_what, check, change) => {
    const report = await verified(change());
    expect(failed(report)).toContain(check);
    expect(report.ok).toBe(false);
  });

  it("another input", async () => {
    expect(failed(await verified({}, { input: new Uint8Array(784), inputSalt: salt }))).toEqual(["input"]);
  });
});
