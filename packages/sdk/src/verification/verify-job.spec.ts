import { abi as registryAbi } from "@aios/contracts/abi/receipt-registry";
import { type EscrowAction, JOB_ACTIONS } from "@aios/core-settlement/job-state-table";
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
import type { TypedData, Verification } from "../api-types.js";
import { AiosClient } from "../client.js";
import { toHex32 } from "../hex.js";
import type { RpcLog } from "../json-rpc.js";
import { VERIFIER_CONTRACT } from "../verifier-contracts.js";
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
const VERIFIERS: Readonly<Record<string, string>> = {
  DeliveryResultVerifier: address("8"),
  Groth16ResultVerifier: address("9"),
  ReplicatedResultVerifier: address("6"),
  SampledResultVerifier: address("4"),
};
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
  settledBy: EscrowAction;
  verification: Verification;
  /** Events and transactions that the gateway does not show. */
  withheld: string[];
}

let honest: World;
beforeAll(async () => {
  honest = await honestWorld("none");
});

/** A settled job that was bought in this way. */
async function honestWorld(verification: Verification): Promise<World> {
  const order: Order = {
    buyer: buyer.address,
    jobKind: 2,
    modelId: 1n,
    licenceId: 1n,
    requestHash: hash("5"),
    inputCommitment: toHex32(inputCommitment(input, salt)),
    verifier: VERIFIERS[VERIFIER_CONTRACT[verification]] as string,
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
  return {
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
    settledBy: verification === "none" ? "window-ends" : "verify-final",
    verification,
    withheld: [],
  };
}

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
        [id, order.buyer, provider.address, 2n, delivery.outputHash, JOB_ACTIONS.indexOf(world.settledBy)],
        settleTx,
        world.settledBlock,
      ),
    ),
  ];
}

function eventName(topics: readonly string[]): string {
  return escrowInterface.getEvent(topics[0] ?? "")?.name ?? "";
}

function rpc(world: World, method: string, params: readonly unknown[]): unknown {
  const registryInterface = new Interface(registryAbi);
  const { order, delivery } = world;
  switch (method) {
    case "eth_chainId":
      return `0x${world.chainId.toString(16)}`;
    case "eth_getLogs":
      return logsOf(world).filter(({ topics }) => !world.withheld.includes(eventName(topics)));
    case "eth_getTransactionByHash": {
      const permit = { valueWei: 0n, deadline: 0n, signature: "0x" };
      const inputs: Record<string, string> = {
        [openTx]: escrowInterface.encodeFunctionData("open", [order, world.orderSignature, permit]),
        [deliverTx]: escrowInterface.encodeFunctionData("deliver", [delivery, world.deliverySignature]),
        [settleTx]: escrowInterface.encodeFunctionData("settle", [delivery.jobId, "0x"]),
      };
      return world.withheld.includes(String(params[0]))
        ? null
        : { hash: params[0], input: inputs[String(params[0])] };
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
  const jobId = world.delivery.jobId;
  const receipt = {
    receiptId: world.delivery.receiptHash,
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
      contracts: { JobEscrow: escrow, ReceiptRegistry: registry, ...VERIFIERS },
      accounts: {},
    };
  }
  if (path === "/v1/auth/nonce") return { nonce: "0123456789abcdef", expiresAtMs: 1, chainId: 8018 };
  if (path === "/v1/auth/siwe")
    return { accessToken: "t", expiresAtMs: Date.now() + 900_000, account: buyer.address };
  if (path === `/v1/jobs/${jobId}`)
    return {
      jobId,
      kind: "inference",
      verification: world.verification,
      output: world.shownOutput,
      modelId: 1,
      steps: [],
    };
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
  return report({ ...honest, ...change }, options);
}

function report(
  world: World,
  options: VerifyJobOptions = { input, inputSalt: salt },
): Promise<VerificationReport> {
  const client = new AiosClient({
    baseUrl: "http://gateway.test",
    signer: buyer,
    fetch: async (url, init) => {
      const path = new URL(url).pathname;
      if (path !== "/rpc") return Response.json(answer(world, path));
      const call = JSON.parse(String(init?.body)) as { id: number; method: string; params: unknown[] };
      if (world.withheld.includes(call.method))
        return Response.json({ jsonrpc: "2.0", id: call.id, error: { code: -32000, message: "busy" } });
      if (call.method === "aios_getHonorSet")
        return Response.json({ jsonrpc: "2.0", id: call.id, error: { code: -32601, message: "one node" } });
      return Response.json({ jsonrpc: "2.0", id: call.id, result: rpc(world, call.method, call.params) });
    },
  });
  return verifyJob(client, world.delivery.jobId, options);
}

function failed(report: VerificationReport): string[] {
  return report.checks.filter((check) => check.ok === false).map((check) => check.name);
}

it("finds nothing wrong with an honest job, and says what it trusted", async () => {
  const found = await verified({});
  expect(failed(found)).toEqual([]);
  expect(found.missing).toEqual([]);
  expect(found.ok).toBe(true);
  const made = found.checks.filter((check) => check.ok === true).map((check) => check.name);
  expect(made).toEqual([
    "chain",
    "order-signature",
    "verifier",
    "input",
    "delivery-signature",
    "output",
    "payments",
    "settlement",
    "receipt-signature",
    "receipt-anchored",
  ]);
  expect(found.trusted.join(" ")).toContain("one block producer");
});

it("leaves the input open for those who do not know it", async () => {
  const found = await verified({}, {});
  expect(found.checks.find((check) => check.name === "input")?.ok).toBeUndefined();
  expect(found.ok).toBe(true);
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
    ["another way of verification than was bought", "verifier", () => ({ verification: "proof" })],
  ])("%s", async (_what, check, change) => {
    const found = await verified(change());
    expect(failed(found)).toContain(check);
    expect(found.ok).toBe(false);
  });

  it("a verifier that the platform does not name (any more): what was bought cannot be told", async () => {
    const found = await verified({ order: { ...honest.order, verifier: address("7") } });
    expect(found.missing).toContain("verifier");
    expect(found.ok).toBe(false);
  });

  it("another input", async () => {
    expect(failed(await verified({}, { input: new Uint8Array(784), inputSalt: salt }))).toEqual(["input"]);
  });
});

describe("a gateway that withholds what a job was bought for", () => {
  it.each([
    ["proof", "proof"],
    ["replicate", "replica"],
    ["sample", "proof"],
  ] as const)(
    "gets no job called verified that was bought with %s: the settling transaction",
    async (way, check) => {
      const found = await report({ ...(await honestWorld(way)), withheld: [settleTx] });
      expect(failed(found)).toEqual([]);
      expect(found).toMatchObject({ ok: false, missing: [check] });
      expect(found.checks.find(({ name }) => name === check)).toMatchObject({
        ok: undefined,
        how: expect.stringContaining(`does not show the transaction ${settleTx}`),
      });
    },
  );

  it("gets a job without a proof verified without the settling transaction, which carries nothing", async () => {
    expect(await verified({ withheld: [settleTx] })).toMatchObject({ ok: true, missing: [] });
  });

  it("gets no job called verified: the delivery's event, the settlement's", async () => {
    expect(await verified({ withheld: ["JobDelivered"] })).toMatchObject({
      ok: false,
      missing: ["delivery-signature", "output"],
    });
    expect(await verified({ withheld: ["JobSettled"] })).toMatchObject({
      ok: false,
      missing: ["settlement"],
    });
  });

  it("cannot tell a proven job's settlement as one by the buyer's word", async () => {
    const world = await honestWorld("proof");
    for (const settledBy of ["accept", "window-ends"] as const)
      expect(failed(await report({ ...world, settledBy }))).toEqual(["proof"]);
    expect(failed(await report(world))).toEqual(["proof"]);
  });

  it("is not believed where it fails to answer", async () => {
    await expect(verified({ withheld: ["eth_getTransactionByHash"] })).rejects.toMatchObject({
      code: "json-rpc-error",
    });
  });
});
