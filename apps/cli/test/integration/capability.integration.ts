import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGenesis } from "@aios/consensus/domain/genesis";
import { startNode } from "@aios/consensus/start-node";
import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { type Deployment, deployProtocol } from "@aios/contracts/deploy";
import { parseParameters } from "@aios/contracts/parameters";
import { drawSecretHash } from "@aios/core-capability/draw";
import { commitTestSet } from "@aios/core-capability/test-set";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { encodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { modelPublicationTypedData } from "@aios/core-settlement/order-digest";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { argmax, evaluate } from "@aios/core-zkml/evaluator";
import { modelCommitment } from "@aios/core-zkml/integer-model";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { SeededRng } from "@aios/kernel/random";
import { type AnswerInput, answerQuestions } from "@aios/sdk/capability/answer-questions";
import { type CapabilityChain, claimsInterface, readClaim } from "@aios/sdk/capability/capability-contract";
import { checkCapability } from "@aios/sdk/capability/check-capability";
import { readCapabilities } from "@aios/sdk/capability/read-capabilities";
import { ChainAccount } from "@aios/sdk/chain-account";
import type { HttpTransport } from "@aios/sdk/http-transport";
import { JsonRpc } from "@aios/sdk/json-rpc";
import { systemClock } from "@aios/service-kit/system-clock";
import { Contract, HDNodeWallet, hexlify, JsonRpcProvider, NonceManager } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeTestSet, encodeTestSet } from "../../src/test-set-file.js";

const PHRASE = "test test test test test test test test test test test junk";
const CHAIN_ID = 26_071;
const DRAWS = 5;
const WIDTHS = [6, 4, 3] as const;
const rng = new SeededRng(71);
const accountAt = (index: number): HDNodeWallet =>
  HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`);
const [deployer, owner, buyer] = [accountAt(0), accountAt(1), accountAt(2)] as const;

let directory: string;
let node: Awaited<ReturnType<typeof startNode>>;
let provider: JsonRpcProvider;
let deployment: Deployment;
let prover: Groth16Prover;
let chain: CapabilityChain;
let modelId: bigint;
let answering: AnswerInput;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-cli-capability-"));
  const balance = { balanceWei: (10n ** 24n).toString() };
  const genesis = parseGenesis({
    name: "capability tests",
    chainId: CHAIN_ID,
    hardfork: "osaka",
    timestampSeconds: 1_767_225_600,
    gasLimit: "60000000",
    baseFeePerGasWei: "1000000",
    minimumBaseFeePerGasWei: "0",
    feeRecipient: `0x${"fe".repeat(20)}`,
    baseFeeSplit: { burnedBps: 10_000, recipients: [] },
    alloc: Object.fromEntries([deployer, owner, buyer].map(({ address }) => [address, balance])),
  });
  const settings = { minIntervalMs: 0, callTimeoutMs: 60_000 };
  node = await startNode({ genesis, dataDir: directory, port: 0, clock: systemClock, settings });
  provider = new JsonRpcProvider(node.url, CHAIN_ID, {
    polling: true,
    pollingInterval: 25,
    cacheTimeout: -1,
    batchMaxCount: 1,
  });
  const parameters = parseParameters({}, deployer.address);
  deployment = await deployProtocol({ provider, signer: deployer.connect(provider), parameters });
  const { CapabilityClaims, ModelLicence, Groth16ResultVerifier } = deployment.contracts;
  chain = {
    rpc: new JsonRpc(transport()),
    chainId: CHAIN_ID,
    claims: CapabilityClaims,
    models: ModelLicence,
    groth16: Groth16ResultVerifier,
  };
  prover = new Groth16Prover();
  await publishModel();
}, 120_000);
afterAll(async () => {
  await prover?.close();
  provider?.destroy();
  await node?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The gateway's `/rpc`, without the gateway. */
function transport(): HttpTransport {
  const json = async ({ json: body }: { json?: unknown }): Promise<unknown> => {
    const response = await fetch(node.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  return { json } as unknown as HttpTransport;
}

async function publishModel(): Promise<void> {
  const layer = (inputs: number, outputs: number, activation: "relu" | "none") => ({
    inputs,
    outputs,
    weights: Float32Array.from({ length: inputs * outputs }, () => rng.uint32() / 2 ** 31 - 1),
    biases: new Float32Array(outputs),
    activation,
  });
  const float = { layers: [layer(WIDTHS[0], WIDTHS[1], "relu"), layer(WIDTHS[1], WIDTHS[2], "none")] };
  const calibration = Array.from({ length: 8 }, () => rng.bytes(WIDTHS[0]));
  const { model } = quantiseModel(float, calibration, rng.bytes(32));
  const r1cs = compileCircuit(model);
  const key = await prover.developmentSetup(r1cs, rng.bytes(32));
  const loaded = await prover.load(key.provingKey, key.provingKeyHash, r1cs);
  const publication = {
    owner: owner.address,
    modelCommitment: hexlify(modelCommitment(model)),
    verifyingKeyHash: hexlify(verifyingKeyHash(key.verifyingKey)),

    honkKeyHash: `0x${"00".repeat(32)}`,
    ceremonyTranscriptHash: `0x${"00".repeat(32)}`,
    contentCid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
    licencePriceWei: 1n,
    usageFeeWei: 1n,
    royaltyBps: 700,
    nonce: 1n,
    deadline: BigInt(Math.floor(systemClock.now() / 1000)) + 3_600n,
  };
  const { domain, types, message } = modelPublicationTypedData(
    signingDomain(CHAIN_ID, chain.models),
    publication,
  );
  const licence = new Contract(chain.models, licenceAbi, new NonceManager(buyer.connect(provider)));
  const signature = await owner.signTypedData(domain, types, message);
  await (await licence.getFunction("publishModel")(publication, signature)).wait();
  modelId = 1n;

  // The label is what the model says, but for every fifth sample.
  const inputs = Array.from({ length: 20 }, () => rng.bytes(WIDTHS[0]));
  const labels = inputs.map((input, index) => {
    const said = argmax(evaluate(model, input));
    return index % 5 === 0 ? (said + 1) % WIDTHS[2] : said;
  });
  const samples = decodeTestSet(encodeTestSet(inputs, labels));
  const verifyingKey = encodeVerifyingKey(key.verifyingKey);
  answering = {
    model,
    r1cs,
    samples,
    testSet: commitTestSet(samples),
    prove: async (witness) =>
      encodeEvidence({
        verifyingKey,
        proof: encodeProof(await prover.prove(loaded, witness, rng.bytes(64))),
      }),
  };
}

function accountOf(wallet: HDNodeWallet): ChainAccount {
  const rpc = new JsonRpc(transport());
  const sendRawTransaction = (signed: string) => rpc.call<string>("eth_sendRawTransaction", [signed]);
  return new ChainAccount({ rpc, sendRawTransaction }, CHAIN_ID, wallet.privateKey);
}

const send = (wallet: HDNodeWallet, name: string, args: readonly unknown[]) =>
  accountOf(wallet).send(chain.claims, claimsInterface.encodeFunctionData(name, args), 16_000_000n);

async function claimed(
  minimumCorrect: number,
  verifier = chain.groth16,
): Promise<{ claimId: bigint; secret: string }> {
  const secret = hexlify(rng.bytes(32));
  await send(buyer, "offerDraw", [drawSecretHash(secret)]);
  const drawId = await new Contract(chain.claims, claimsInterface, provider).getFunction("drawCount")();
  const { root } = answering.testSet;
  await send(owner, "claim", [modelId, verifier, buyer.address, root, DRAWS, minimumCorrect, drawId]);
  const claimId = await new Contract(chain.claims, claimsInterface, provider).getFunction("claimCount")();
  return { claimId: BigInt(claimId), secret };
}

async function answerAll(claimId: bigint): Promise<number> {
  let transactions = 0;
  for await (const { calldata } of answerQuestions(chain, await readClaim(chain, claimId), answering)) {
    await accountOf(owner).send(chain.claims, calldata, 16_000_000n);
    transactions++;
  }
  return transactions;
}

describe("a capability proof", () => {
  it("goes from a secret test set to words that anybody can check on the chain", {
    timeout: 120_000,
  }, async () => {
    await send(buyer, "publishTestSet", [
      answering.testSet.root,
      answering.testSet.size,
      WIDTHS[2],
      "twenty inputs",
    ]);
    const { claimId, secret } = await claimed(1);
    await expect(answerAll(claimId)).rejects.toMatchObject({ code: "claim-not-drawn" });
    const [waiting] = await readCapabilities(chain, modelId);
    expect(waiting?.state).toBe("waiting-for-draw");
    await send(buyer, "reveal", [claimId, secret]);

    expect(await answerAll(claimId)).toBe(1);
    expect(await answerAll(claimId)).toBe(0);
    const [made] = await readCapabilities(chain, modelId);
    expect(made).toMatchObject({ state: "proven", attempt: 1, drawer: buyer.address.toLowerCase() });
    expect(made?.claim.answered).toBe(DRAWS);
    expect(made?.says.join(" ")).toContain(`${made?.claim.correct} of ${DRAWS} samples`);
    expect(made?.trusted.join(" ")).toContain("development set-up");

    const checks = await checkCapability(chain, claimId);
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
      ["draw", true],
      ["answers", true],
    ]);
  });

  it("is found wrong where the transactions say something else", { timeout: 120_000 }, async () => {
    const [made] = await readCapabilities(chain, modelId);
    const claimId = made?.claim.claimId as bigint;
    const altered = (change: (input: string) => string, to?: string): CapabilityChain => ({
      ...chain,
      rpc: Object.assign(Object.create(chain.rpc) as CapabilityChain["rpc"], {
        ethCall: chain.rpc.ethCall.bind(chain.rpc),
        logs: chain.rpc.logs.bind(chain.rpc),
        block: chain.rpc.block.bind(chain.rpc),
        transaction: async (hash: string) => {
          const transaction = await chain.rpc.transaction(hash);
          return transaction === null
            ? null
            : { ...transaction, input: change(transaction.input), to: to ?? transaction.to };
        },
      }),
    });
    const lastByte = (input: string): string => `${input.slice(0, -2)}${input.endsWith("01") ? "02" : "01"}`;
    const checks = await checkCapability(altered(lastByte), claimId);
    expect(checks.map(({ ok }) => ok)).toEqual([false, false]);
    // A contract that was called so may have handed on anything.
    const elsewhere = await checkCapability(altered(lastByte, chain.models), claimId);
    expect(elsewhere.map(({ ok }) => ok)).toEqual([undefined, undefined]);
  });

  it("counts attempts, and lowers what a later one speaks for", { timeout: 120_000 }, async () => {
    const { claimId, secret } = await claimed(DRAWS);
    await send(buyer, "reveal", [claimId, secret]);
    await answerAll(claimId);
    const [second] = await readCapabilities(chain, modelId);
    expect(second?.attempt).toBe(2);
    expect(second?.says.join(" ")).toContain("attempt 2");
    const other = { ...answering, testSet: commitTestSet(answering.samples.slice(1)) };
    const claim = await readClaim(chain, claimId);
    await expect(answerQuestions(chain, claim, other).next()).rejects.toMatchObject({
      code: "test-set-differs",
    });
  });

  it("is read and checked as its own proof system's, and not called checked before there is anything", {
    timeout: 120_000,
  }, async () => {
    const { claimId, secret } = await claimed(1, deployment.contracts.HonkResultVerifier);
    const [made, before] = await readCapabilities(chain, modelId);
    expect(made?.claim.claimId).toBe(claimId);
    expect(made?.trusted.join(" ")).toContain("UltraHonk proofs' reference string: forgeable by anybody");
    expect(before?.trusted.join(" ")).toContain("Groth16 key: it can forge");
    expect((await checkCapability(chain, claimId)).map(({ ok }) => ok)).toEqual([undefined, undefined]);
    await send(buyer, "reveal", [claimId, secret]);
    await expect(answerAll(claimId)).rejects.toMatchObject({ code: "proof-system-differs" });
    const [, answers] = await checkCapability(chain, claimId);
    expect(answers?.how).toContain("UltraHonk proof");
  });
});
