import { orderTypedData } from "@aios/core-settlement/order-digest";
import { NO_PERMIT } from "@aios/core-settlement/permit";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { ContractFactory, type InterfaceAbi, toBeHex } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as walletAbi, bytecode as walletCode } from "../../generated/test/contract-wallet.js";
import {
  abi as fixedVerifierAbi,
  bytecode as fixedVerifierCode,
} from "../../generated/test/fixed-verifier.js";
import {
  abi as reenteringSignerAbi,
  bytecode as reenteringSignerCode,
} from "../../generated/test/reentering-signer.js";
import {
  abi as reenteringVerifierAbi,
  bytecode as reenteringVerifierCode,
} from "../../generated/test/reentering-verifier.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { type StatementFacts, signData, TestProtocol } from "../support/protocol.js";
import { ToyGroth16 } from "../support/toy-groth16.js";

const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

async function deploy(abi: InterfaceAbi, bytecode: string, args: readonly unknown[]): Promise<TestContract> {
  const contract = await new ContractFactory(abi, bytecode, protocol.wallets.deployer).deploy(...args);
  await contract.waitForDeployment();
  return new TestContract(await contract.getAddress(), abi, protocol.wallets.stranger);
}

async function listVerifier(name: string, contract: TestContract): Promise<string> {
  await protocol.registry.send(protocol.wallets.deployer, "register", [name, 1n, contract.address]);
  return contract.address;
}

describe("a proof that is not about this job", () => {
  const wrong: readonly (readonly [string, Partial<StatementFacts>])[] = [
    ["version", { version: 2n }],
    ["chain", { chainId: 999n }],
    ["escrow", { escrow: "0x00000000000000000000000000000000000000aa" }],
    ["job", { jobId: toBeHex(5n, 32) }],
    ["requester", { requester: "0x00000000000000000000000000000000000000bb" }],
    ["model", { modelCommitment: toBeHex(6n, 32) }],
    ["verifying key in the statement", { verifyingKeyHash: toBeHex(7n, 32) }],
  ];

  it("is refused for every wrong fact, and the right one still settles", async () => {
    const order = await protocol.provenOrder();
    const jobId = await protocol.delivered(order);
    for (const [fact, change] of wrong) {
      const evidence = protocol.key.evidence(await protocol.publicInputs(order, 42n, change));
      const args = await expectRevert(protocol.settle(jobId, evidence), "ResultInvalid");
      expect(args["reason"], fact).toBe("proof-rejected");
    }
    const otherInput = { ...order, inputCommitment: toBeHex(54321n, 32) };
    const [, ...rest] = await protocol.publicInputs(otherInput, 42n);
    const [context] = await protocol.publicInputs(order, 42n);
    const evidence = protocol.key.evidence([context ?? 0n, ...rest]);
    expect((await expectRevert(protocol.settle(jobId, evidence), "ResultInvalid"))["reason"]).toBe(
      "proof-rejected",
    );
    await protocol.settle(jobId, await protocol.evidence(order, 42n));
  });

  it("is refused under another verifying key, even a valid proof under it", async () => {
    const order = await protocol.provenOrder();
    const jobId = await protocol.delivered(order);
    const foreign = new ToyGroth16(8n).evidence(await protocol.publicInputs(order, 42n));
    expect((await expectRevert(protocol.settle(jobId, foreign), "ResultInvalid"))["reason"]).toBe(
      "verifying-key-mismatch",
    );
  });

  it("re-randomised after settlement pays nobody again", async () => {
    const order = await protocol.provenOrder();
    const jobId = await protocol.delivered(order);
    const [first, second] = [
      await protocol.evidence(order, 42n, 1n),
      await protocol.evidence(order, 42n, 2n),
    ];
    expect(first).not.toBe(second);
    await protocol.settle(jobId, first);
    const before = await protocol.escrow.readBigInt("totalWithdrawableWei");
    expect(await expectRevert(protocol.settle(jobId, second), "TransitionNotAllowed")).toMatchObject({
      from: "Settled",
    });
    await expectRevert(protocol.settle(jobId, first), "TransitionNotAllowed");
    await expectRevert(protocol.accept(jobId), "TransitionNotAllowed");
    await expectRevert(
      protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]),
      "TransitionNotAllowed",
    );
    expect(await protocol.escrow.readBigInt("totalWithdrawableWei")).toBe(before);
  });

  it("does not settle a second job of the same buyer, model, input and output", async () => {
    const order = await protocol.provenOrder();
    const twin = { ...order, nonce: protocol.nonce() };
    const [jobId, twinId] = [await protocol.delivered(order), await protocol.delivered(twin)];
    const evidence = await protocol.evidence(order, 42n);
    await protocol.settle(jobId, evidence);
    await expectRevert(protocol.settle(twinId, evidence), "ResultInvalid");
  });
});

describe("signatures", () => {
  it("for another chain, contract or order are refused", async () => {
    const order = await protocol.order();
    const permit = await protocol.permit("buyer", protocol.escrow, order.maxPriceWei);
    const domains = [
      signingDomain(chain.chainId + 1n, protocol.escrow.address),
      signingDomain(chain.chainId, protocol.models.address),
      { ...protocol.domain(protocol.escrow), version: "2" as "1" },
    ];
    for (const domain of domains) {
      const signature = await protocol.sign("buyer", orderTypedData(domain, order));
      await expectRevert(
        protocol.escrow.send(protocol.wallets.relayer, "open", [order, signature, permit]),
        "BadSignature",
      );
    }
    const signature = await protocol.sign("buyer", orderTypedData(protocol.domain(protocol.escrow), order));
    const raised = { ...order, maxPriceWei: order.maxPriceWei + 1n };
    await expectRevert(
      protocol.escrow.send(protocol.wallets.relayer, "open", [raised, signature, permit]),
      "BadSignature",
    );
  });

  it("in their malleable or short form are refused", async () => {
    const order = await protocol.order();
    const permit = await protocol.permit("buyer", protocol.escrow, order.maxPriceWei);
    const signature = await protocol.sign("buyer", orderTypedData(protocol.domain(protocol.escrow), order));
    const open = (form: string) =>
      protocol.escrow.send(protocol.wallets.relayer, "open", [order, form, permit]);
    const high = SECP256K1_ORDER - BigInt(`0x${signature.slice(66, 130)}`);
    const flipped = signature.slice(130) === "1b" ? "1c" : "1b";
    await expectRevert(
      open(`${signature.slice(0, 66)}${toBeHex(high, 32).slice(2)}${flipped}`),
      "BadSignature",
    );
    await expectRevert(open(signature.slice(0, 130)), "BadSignature");
    await expectRevert(open("0x"), "BadSignature");
    await open(signature);
  });

  it("of a smart account count by ERC-1271, by its owner's key only", async () => {
    const wallet = await deploy(walletAbi, walletCode, [protocol.address("buyer")]);
    const order = await protocol.order({ buyer: wallet.address });
    await protocol.token.send(protocol.wallets.buyer, "transfer", [wallet.address, order.maxPriceWei]);
    await wallet.send(protocol.wallets.buyer, "approve", [
      protocol.token.address,
      protocol.escrow.address,
      order.maxPriceWei,
    ]);
    const payload = orderTypedData(protocol.domain(protocol.escrow), order);
    const open = (signature: string) =>
      protocol.escrow.send(protocol.wallets.relayer, "open", [order, signature, NO_PERMIT]);
    await expectRevert(open(await signData(protocol.wallets.stranger, payload)), "BadSignature");
    await open(await signData(protocol.wallets.buyer, payload));
    expect(await protocol.state(protocol.jobId(order))).toBe("Funded");
  });
});

describe("calling back in", () => {
  it("from a signature check moves nothing", async () => {
    const signer = await deploy(reenteringSignerAbi, reenteringSignerCode, [protocol.escrow.address]);
    const jobId = await protocol.delivered(await protocol.order());
    await signer.send(protocol.wallets.stranger, "target", [jobId]);
    await protocol.token.send(protocol.wallets.buyer, "transfer", [signer.address, 10_000n]);
    const order = await protocol.order({ buyer: signer.address });
    // Its signature holds, so nothing went in; without an allowance the escrow takes nothing.
    await expectRevert(
      protocol.escrow.send(protocol.wallets.relayer, "open", [order, "0x", NO_PERMIT]),
      "InsufficientAllowance",
    );
    expect(await protocol.state(jobId)).toBe("Delivered");
  });

  it("from a verifier settles once", async () => {
    const verifier = await listVerifier(
      "ReenteringVerifier",
      await deploy(reenteringVerifierAbi, reenteringVerifierCode, []),
    );
    const jobId = await protocol.delivered(await protocol.order({ verifier }));
    const before = await protocol.escrow.readBigInt("totalWithdrawableWei");
    await protocol.settle(jobId);
    const gained = (await protocol.escrow.readBigInt("totalWithdrawableWei")) - before;
    // 4,000 to the provider, 5% fee of which half is burned, the rest of 10,000 back to the buyer.
    expect(gained).toBe(10_000n - 100n);
  });
});

describe("verifiers that misbehave", () => {
  it("cannot lock the money longer than a phase may last", async () => {
    const contract = await deploy(fixedVerifierAbi, fixedVerifierCode, [1, 31 * 86_400]);
    const verifier = await listVerifier("SlowVerifier", contract);
    const jobId = await protocol.delivered(await protocol.order({ verifier }));
    await expectRevert(protocol.settle(jobId), "ChallengeWindowTooLong");
    await chain.advance(301);
    await protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]);
    expect(await protocol.state(jobId)).toBe("Refunded");
  });

  it("that call everything invalid lead to a refund", async () => {
    const verifier = await listVerifier(
      "NoVerifier",
      await deploy(fixedVerifierAbi, fixedVerifierCode, [0, 0]),
    );
    const jobId = await protocol.delivered(await protocol.order({ verifier }));
    expect((await expectRevert(protocol.settle(jobId), "ResultInvalid"))["reason"]).toBe("fixed");
    await chain.advance(301);
    await protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]);
  });
});

describe("verifiers of earlier releases, which know nothing of refutations", () => {
  // ERC-165 ids as the registries that are deployed ask for them.
  const RESULT_VERIFIER = "0x9d473890";
  const REFUTING_VERIFIER = "0x81b6f18e";

  it("are listed and leased as before, put nothing at risk and refute nothing", async () => {
    const contract = await deploy(fixedVerifierAbi, fixedVerifierCode, [2, 0]);
    const verifier = await listVerifier("EarlierVerifier", contract);
    expect(await contract.read("supportsInterface", [REFUTING_VERIFIER])).toBe(false);
    const jobId = await protocol.delivered(await protocol.provenOrder({ verifier }));
    const refuted = protocol.escrow.send(protocol.wallets.buyer, "refute", [jobId, 7n, "0x"]);
    expect((await expectRevert(refuted, "NotRefuted"))["reason"]).toBe("verifier-does-not-check");
    await protocol.settle(jobId);
    expect(await protocol.state(jobId)).toBe("Settled");
  });

  it("and the present ones answer to the same id, so that a registry that is deployed lists them", async () => {
    const { DeliveryResultVerifier, ...contracts } = protocol.deployment.contracts;
    const refuting = [
      contracts.Groth16ResultVerifier,
      contracts.HonkResultVerifier,
      contracts.SampledResultVerifier,
      contracts.ReplicatedResultVerifier,
    ];
    const answers = async (address: string | undefined) => {
      const contract = new TestContract(address ?? "", fixedVerifierAbi, protocol.wallets.stranger);
      const ids = [RESULT_VERIFIER, REFUTING_VERIFIER];
      return Promise.all(ids.map((id) => contract.read("supportsInterface", [id])));
    };
    expect(await answers(DeliveryResultVerifier)).toEqual([true, false]);
    for (const address of refuting) expect(await answers(address)).toEqual([true, true]);
  });
});

describe("dust", () => {
  it.each([1n, 2n, 19n, 21n])("a cap of %i wei splits without losing or making any", async (maxPriceWei) => {
    const order = await protocol.order({ maxPriceWei });
    const jobId = await protocol.delivered(order, {
      providerPriceWei: maxPriceWei > 2n ? maxPriceWei - 2n : 0n,
    });
    const held = await protocol.balance(protocol.escrow.address);
    const supply = await protocol.token.readBigInt("totalSupply");
    await protocol.accept(jobId);
    const burned = supply - (await protocol.token.readBigInt("totalSupply"));
    expect(held - (await protocol.balance(protocol.escrow.address))).toBe(burned);
    const owed = await protocol.escrow.readBigInt("totalWithdrawableWei");
    const escrowed = await protocol.escrow.readBigInt("totalEscrowedWei");
    expect(await protocol.balance(protocol.escrow.address)).toBe(owed + escrowed);
  });
});
