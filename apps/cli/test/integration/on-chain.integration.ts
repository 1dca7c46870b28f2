import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGenesis } from "@aios/consensus/domain/genesis";
import { startNode } from "@aios/consensus/start-node";
import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { abi as registryAbi } from "@aios/contracts/abi/provider-registry";
import { abi as tokenAbi } from "@aios/contracts/abi/wrapped-aios";
import { type Deployment, deployProtocol } from "@aios/contracts/deploy";
import { parseParameters } from "@aios/contracts/parameters";
import { drawSecretHash } from "@aios/core-capability/draw";
import { commitTestSet } from "@aios/core-capability/test-set";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { encodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { modelPublicationTypedData, providerRegistrationTypedData } from "@aios/core-settlement/order-digest";
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
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCli } from "../../src/cli.js";
import { decodeTestSet, encodeTestSet } from "../../src/test-set-file.js";

const PHRASE = "test test test test test test test test test test test junk";
const CHAIN_ID = 26_071;
const DRAWS = 5;
const WIDTHS = [6, 4, 3] as const;
const rng = new SeededRng(71);
const accountAt = (index: number): HDNodeWallet =>
  HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`);
const [deployer, owner, buyer, staker] = [accountAt(0), accountAt(1), accountAt(2), accountAt(3)] as const;
const AIOS = 10n ** 18n;

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
    alloc: Object.fromEntries([deployer, owner, buyer, staker].map(({ address }) => [address, balance])),
  });
  const settings = { minIntervalMs: 0, callTimeoutMs: 60_000 };
  node = await startNode({ genesis, dataDir: directory, port: 0, clock: systemClock, settings });
  provider = new JsonRpcProvider(node.url, CHAIN_ID, {
    polling: true,
    pollingInterval: 25,
    cacheTimeout: -1,
    batchMaxCount: 1,
  });
  const parameters = parseParameters(
    {
      minimumStakeWei: (50n * AIOS).toString(),
      unbondDelaySeconds: 1,
      initialWrappedBalances: [{ account: staker.address, amountWei: (100n * AIOS).toString() }],
    },
    deployer.address,
  );
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

describe("aios stake", () => {
  let gateway: Server;
  let url: string;
  let keyFile: string;
  let registry: Contract;
  let token: Contract;
  let keyHash: string;

  beforeAll(async () => {
    gateway = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void gatewayAnswer(request.url ?? "", Buffer.concat(chunks)).then((answer) => response.end(answer));
      });
    });
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(gateway.address() as { port: number }).port}`;
    keyFile = join(directory, "staker.key");
    await writeFile(keyFile, staker.privateKey, { mode: 0o600 });
    const signer = new NonceManager(staker.connect(provider));
    registry = new Contract(deployment.contracts.ProviderRegistry, registryAbi, signer);
    token = new Contract(deployment.contracts.WrappedAios, tokenAbi, signer);
    const licence = new Contract(chain.models, licenceAbi, provider);
    keyHash = String((await licence.getFunction("statementOf")(modelId))[1]);
  });
  afterAll(() => gateway.close());

  /** What the command asks of a gateway: where the contracts are, a session, and the chain. */
  async function gatewayAnswer(path: string, body: Buffer): Promise<string> {
    if (path === "/v1/protocol")
      return JSON.stringify({ chainId: CHAIN_ID, contracts: deployment.contracts, accounts: {} });
    if (path === "/v1/auth/nonce")
      return JSON.stringify({ nonce: "0123456789abcdef", expiresAtMs: 1, chainId: CHAIN_ID });
    if (path === "/v1/auth/siwe")
      return JSON.stringify({
        accessToken: "t",
        expiresAtMs: systemClock.now() + 900_000,
        account: staker.address,
      });
    const headers = { "content-type": "application/json" };
    return (await fetch(node.url, { method: "POST", headers, body: new Uint8Array(body) })).text();
  }

  async function stake(...argv: string[]): Promise<{ code: number; text: string; errors: string }> {
    const said = { text: "", errors: "" };
    const code = await runCli(["stake", ...argv, "--url", url, "--key-file", keyFile], {
      env: {},
      write: (piece) => {
        said.text += piece;
      },
      writeError: (piece) => {
        said.errors += piece;
      },
    });
    return { code, ...said };
  }

  const json = async (...argv: string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await stake(...argv, "--json")).text) as Record<string, unknown>;

  async function register(): Promise<void> {
    const registration = {
      provider: staker.address,
      stakeWei: 100n * AIOS,
      capabilitiesHash: hexlify(rng.bytes(32)),
      selfTestHash: hexlify(rng.bytes(32)),
      nonce: 1n,
      deadline: BigInt(Math.floor(systemClock.now() / 1000)) + 3_600n,
    };
    const domain = signingDomain(CHAIN_ID, deployment.contracts.ProviderRegistry);
    const data = providerRegistrationTypedData(domain, registration);
    const signature = await staker.signTypedData(data.domain, data.types, data.message);
    await (await token.getFunction("approve")(registry.target, registration.stakeWei)).wait();
    const permit = { valueWei: 0n, deadline: 0n, signature: "0x" };
    await (await registry.getFunction("register")(registration, signature, permit)).wait();
  }

  it("shows a provider's stake and what is at risk, and puts it there and back only where told to", {
    timeout: 60_000,
  }, async () => {
    expect((await stake("status")).text).toContain("not registered");
    await register();
    const { text } = await stake("status", "--provider", staker.address);
    expect(text).toMatch(/: active\n +staked +100 AIOS, 50 at least\n +unbonding +no\n +at risk +nothing\n/);

    const put = ["put-at-risk", "1", "--verification", "sample", "--amount", "5.5"];
    expect((await json(...put, "--key-hash", `0x${"1".repeat(64)}`)).error).toMatchObject({
      code: "other-verifying-key",
      details: { onChain: keyHash },
    });
    expect((await json(...put, "--key-hash", keyHash, "--yes")).error).toMatchObject({
      code: "forgeable-key",
    });
    const willing = [...put, "--key-hash", keyHash, "--forgeable"];
    const told = await stake(...willing);
    expect(told).toMatchObject({ code: 0, text: expect.stringContaining("Nothing was sent") });
    expect(told.text).toMatch(
      /takes up to 5\.5 AIOS of your stake of 100 AIOS, and burns it[\s\S]*AIOS of gas/,
    );
    expect((await json("status")).atRisk).toEqual([]);

    expect((await stake(...willing, "--yes")).text).toMatch(
      /5\.5 AIOS are at risk .*: transaction 0x[0-9a-f]{64}\n/,
    );
    expect((await json("status")).atRisk).toMatchObject([
      { verification: "sample", verifyingKeyHash: keyHash, maximumWei: ((55n * AIOS) / 10n).toString() },
    ]);
    expect((await stake("status")).text).toContain("5.5 AIOS under 'sample'");
    expect(await json("take-back", "1", "--verification", "sample", "--yes")).toMatchObject({ sent: true });
    expect((await json("status")).atRisk).toEqual([]);
    expect((await json("take-back", "9", "--verification", "sample")).error).toMatchObject({
      code: "nothing-refutable",
    });
  });

  it("leaves, and takes the stake out once the delay is over", { timeout: 60_000 }, async () => {
    expect((await json("withdraw", "--yes")).error).toMatchObject({
      code: "call-refused",
      details: { error: "StillBonded" },
    });
    expect((await stake("unbond")).text).toMatch(
      /stake of 100 AIOS is free after 1 second;[\s\S]*Nothing was sent/,
    );
    expect((await json("status")).state).toBe("active");
    expect(await json("unbond", "--yes")).toMatchObject({ sent: true, unbondDelaySeconds: 1 });
    expect((await stake("status")).text).toMatch(/unbonding +free from 20/);
    await vi.waitFor(
      async () => {
        // Time on this chain goes on with its blocks.
        await send(buyer, "offerDraw", [hexlify(rng.bytes(32))]);
        expect(await json("withdraw", "--yes")).toMatchObject({ sent: true });
      },
      { timeout: 30_000, interval: 300 },
    );
    expect((await json("status")).state).toBe("unregistered");
    expect(await token.getFunction("balanceOf")(staker.address)).toBe(100n * AIOS);
  });
});
