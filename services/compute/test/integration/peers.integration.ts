import { generateSealingKeyPair, openKey } from "@aios/core-sealing/sealed-key";
import { EconomyBesideOthers } from "@aios/economy/test/support/economy-beside-others";
import { economyClient } from "@aios/economy/test/support/economy-platform";
import {
  ACCOUNTS,
  deployTestProtocol,
  startTestChain,
  testWallet,
} from "@aios/economy/test/support/test-chain";
import {
  type Address,
  address,
  bytes32,
  type ContentId,
  jobId,
  tenantOfAccount,
} from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { openMarket } from "@aios/marketplace/test/support/market-scenario";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { topics } from "@aios/proto/topics";
import { actingFor } from "@aios/service-kit/caller-context";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { systemClock } from "@aios/service-kit/system-clock";
import { StoragePlatform } from "@aios/storage/test/storage-platform";
import { MemoryEventBus, MemoryEventLog } from "@aios/testkit/memory-event-bus";
import {
  ESCROW,
  endedKey,
  CHAIN_ID as PROVER_CHAIN_ID,
  ProverPlatform,
  REQUESTER,
} from "@aios/zk-prover/test/support/prover-platform";
import { hexlify, parseEther, Wallet } from "ethers";
import { expect, it } from "vitest";
import { escrowCall, registerCall } from "../../src/adapters/chain/escrow-calls.js";
import { JsonRpcChainReader } from "../../src/adapters/chain/json-rpc-chain.reader.js";
import { EconomyChainWriter } from "../../src/adapters/peers/economy-chain.writer.js";
import { MarketplaceModelCatalogue } from "../../src/adapters/peers/marketplace-model.catalogue.js";
import { StorageInputVault } from "../../src/adapters/peers/storage-input.vault.js";
import { ZkProver } from "../../src/adapters/peers/zk-prover.js";
import type { ProtocolFacts } from "../../src/domain/ports.js";
import { chainReaderConformance } from "../conformance/chain-reader.conformance.js";
import { chainWriterConformance } from "../conformance/chain-writer.conformance.js";
import { inputVaultConformance } from "../conformance/input-vault.conformance.js";
import { modelCatalogueConformance } from "../conformance/model-catalogue.conformance.js";
import { proverConformance } from "../conformance/prover.conformance.js";
import { CHAIN_ID, CONTRACTS, FakeChain, MATCHER } from "../support/fake-chain.js";
import { FakePeers, LICENSED_MODEL, MODEL_COMMITMENT, TRUE_OUTPUT } from "../support/fake-peers.js";
import { sampleJob } from "../support/sample-job.js";
import { deliveredJob, signedRegistration, signedTrainingJob } from "../support/signed-job.js";

const STAKE_WEI = parseEther("100").toString();
const STRANGER = address(testWallet(9).address);
const BUYER = address(`0x${"b1".repeat(20)}`);
const calls = { escrowCall, registerCall };

/** The peers that other tests of compute are run with. */
async function fakePeers() {
  const bus = new MemoryEventBus(new MemoryEventLog());
  await bus.ensureTopics(Object.values(topics));
  const chain = new FakeChain(bus);
  const peers = new FakePeers(chain, bus);
  const url = await peers.listen();
  return { bus, chain, peers, url };
}

chainWriterConformance("EconomyChainWriter on the economy service", async () => {
  const platform = await EconomyBesideOthers.start();
  const { foundation, economy, contracts } = platform;
  const client = await economyClient(foundation, economy.ports.grpcPort, "compute");
  const open = () => new EconomyChainWriter(client, calls, systemClock);
  let permits = 0;
  return {
    open,
    peer: economy,
    chainId: CHAIN_ID,
    jobEscrow: address(contracts["JobEscrow"] ?? ""),
    matcher: address(ACCOUNTS.matcher.address),
    registration: async (provider) =>
      signedRegistration(
        await open().protocol(),
        provider === "rich" ? ACCOUNTS.provider : testWallet(9),
        STAKE_WEI,
      ),
    job: async (buyer) =>
      buyer === "rich"
        ? signedTrainingJob(await open().protocol(), ACCOUNTS.business, permits++)
        : signedTrainingJob(await open().protocol(), testWallet(9), 0),
    close: () => platform.stop(),
  };
});

chainWriterConformance("EconomyChainWriter on FakePeers", async () => {
  const { chain, peers, url } = await fakePeers();
  const client = createGrpcClient(EconomyServiceService, url, { audience: "economy" });
  const open = () => new EconomyChainWriter(client, calls, systemClock);
  const [rich, poor] = [Wallet.createRandom(), Wallet.createRandom()];
  chain.refusedBuyers.set(poor.address.toLowerCase(), "ERC20InsufficientBalance");
  return {
    open,
    peer: peers.peer,
    chainId: CHAIN_ID,
    jobEscrow: address(CONTRACTS.JobEscrow),
    matcher: address(MATCHER),
    registration: async (provider) =>
      signedRegistration(await open().protocol(), provider === "rich" ? rich : poor, STAKE_WEI),
    job: async (buyer) => signedTrainingJob(await open().protocol(), buyer === "rich" ? rich : poor, 0),
    async close() {
      client[Symbol.dispose]();
      peers.close();
    },
  };
});

chainReaderConformance("JsonRpcChainReader on our node", async () => {
  const chain = await startTestChain();
  const contracts = await deployTestProtocol(chain.provider);
  const contract = (name: string): Address => address(contracts[name] ?? "");
  const facts = {
    chainId: CHAIN_ID,
    wrappedAios: contract("WrappedAios"),
    providerRegistry: contract("ProviderRegistry"),
  } as ProtocolFacts;
  const registration = await signedRegistration(facts, ACCOUNTS.provider, STAKE_WEI);
  const sent = await ACCOUNTS.relayer
    .connect(chain.provider)
    .sendTransaction({ to: facts.providerRegistry, data: hexlify(registerCall(registration)) });
  await sent.wait();
  return {
    reader: new JsonRpcChainReader(chain.url, 5_000),
    peer: chain,
    token: facts.wrappedAios,
    registry: facts.providerRegistry,
    escrow: contract("JobEscrow"),
    provider: address(ACCOUNTS.provider.address),
    stranger: STRANGER,
    close: () => chain.stop(),
  };
});

chainReaderConformance("JsonRpcChainReader on FakeChain", async () => {
  const chain = new FakeChain(new MemoryEventBus(new MemoryEventLog()));
  const provider = address(`0x${"c3".repeat(20)}`);
  chain.activeProviders.add(provider);
  chain.penniless.add(STRANGER);
  return {
    reader: new JsonRpcChainReader(await chain.listen(), 5_000),
    peer: chain,
    token: address(CONTRACTS.WrappedAios),
    registry: address(CONTRACTS.ProviderRegistry),
    escrow: address(CONTRACTS.JobEscrow),
    provider,
    stranger: STRANGER,
    close: async () => chain.close(),
  };
});

modelCatalogueConformance("MarketplaceModelCatalogue on the marketplace", async () => {
  const platform = await EconomyBesideOthers.start();
  const { marketplace, modelId, licencePriceWei, licenceId } = await openMarket(platform);
  const client = await platform.clientOf(MarketplaceServiceService, "marketplace", marketplace, "compute");
  return {
    catalogue: new MarketplaceModelCatalogue(client),
    peer: marketplace,
    modelId,
    owner: address(ACCOUNTS.developer.address),
    licencePriceWei,
    licensed: { account: address(ACCOUNTS.business.address), licenceId },
    stranger: STRANGER,
    unknownModelId: 99,
    close: () => platform.stop(),
  };
});

modelCatalogueConformance("MarketplaceModelCatalogue on FakePeers", async () => {
  const { peers, url } = await fakePeers();
  peers.unlicensed.add(STRANGER);
  const client = createGrpcClient(MarketplaceServiceService, url, { audience: "marketplace" });
  return {
    catalogue: new MarketplaceModelCatalogue(client),
    peer: peers.peer,
    modelId: LICENSED_MODEL,
    owner: address(`0x${"0a".repeat(20)}`),
    licencePriceWei: "250",
    licensed: { account: BUYER, licenceId: 5 },
    stranger: STRANGER,
    unknownModelId: 99,
    async close() {
      client[Symbol.dispose]();
      peers.close();
    },
  };
});

proverConformance("ZkProver on the zk-prover", async () => {
  const platform = await ProverPlatform.start();
  const prover = await platform.startProver();
  const marketplace = await platform.as("marketplace");
  const model = platform.addModel(1);
  await marketplace.setUpKey({ modelCid: model.modelCid, modelCommitment: model.modelCommitment });
  const key = await endedKey(marketplace, model.modelCommitment);
  return {
    prover: new ZkProver(await platform.as("compute")),
    peer: prover,
    modelCommitment: model.modelCommitment,
    job(number, output) {
      const { statement, modelCid, inputCid, claimedOutput } = platform.jobRequest(number, { ...model, key });
      const claimed = claimedOutput.with(31, (claimedOutput[31] ?? 0) ^ (output === "right" ? 0 : 1));
      const sample = sampleJob("proof", jobId(statement.jobId));
      const terms = {
        ...sample.terms,
        order: { ...sample.terms.order, inputCommitment: bytes32(hexlify(statement.inputCommitment)) },
        contracts: { ...sample.terms.contracts, chainId: PROVER_CHAIN_ID, jobEscrow: address(ESCROW) },
        modelCommitment: bytes32(hexlify(statement.modelCommitment)),
        verifyingKeyHash: bytes32(hexlify(statement.verifyingKeyHash)),
        modelCid: modelCid as ContentId,
        inputCid: inputCid as ContentId,
      };
      return deliveredJob({ ...sample, buyer: address(REQUESTER), terms }, hexlify(claimed));
    },
    holdProofs() {
      let release = (): void => undefined;
      platform.storage.held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close: () => platform.stop(),
  };
});

proverConformance("ZkProver on FakePeers", async () => {
  const { peers, url } = await fakePeers();
  const client = createGrpcClient(ProverServiceService, url, { audience: "zk-prover" });
  return {
    prover: new ZkProver(client),
    peer: peers.peer,
    modelCommitment: MODEL_COMMITMENT,
    job(number, output) {
      const packed = TRUE_OUTPUT + (output === "right" ? 0n : 1n);
      const id = jobId(`0x${number.toString(16).padStart(64, "0")}`);
      return deliveredJob(sampleJob("proof", id), `0x${packed.toString(16).padStart(64, "0")}`);
    },
    holdProofs() {
      let release = (): void => undefined;
      peers.proofsHeld = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    async close() {
      client[Symbol.dispose]();
      peers.close();
    },
  };
});

it("ZkProver takes no answer of a prover that knows Groth16 alone for one about UltraHonk", async () => {
  const { peers, url } = await fakePeers();
  const client = createGrpcClient(ProverServiceService, url, { audience: "zk-prover" });
  const prover = new ZkProver(client);
  const job = (verification: "proof" | "honk", number: number) =>
    deliveredJob(
      sampleJob(verification, jobId(`0x${number.toString(16).padStart(64, "0")}`)),
      `0x${"01".padStart(64, "0")}`,
    );
  peers.proverIsOld = true;
  const refusal = { code: "proof-system-unavailable", kind: "unavailable" };
  await expect(prover.quote(MODEL_COMMITMENT, "honk")).rejects.toMatchObject(refusal);
  await expect(prover.request(job("honk", 901))).rejects.toMatchObject(refusal);
  expect((await prover.quote(MODEL_COMMITMENT, "groth16")).trust).toBe("development key");
  expect((await prover.request(job("proof", 902))).state).toBe("running");
  peers.proverIsOld = false;
  expect((await prover.quote(MODEL_COMMITMENT, "honk")).trust).toBe("forgeable by anybody");
  client[Symbol.dispose]();
  peers.close();
});

inputVaultConformance("StorageInputVault on the storage service", async () => {
  const platform = await StoragePlatform.start();
  const [{ contents, keys }, prover] = [await platform.as("compute"), await platform.as("zk-prover")];
  const rng = new SeededRng(8);
  return {
    vault: new StorageInputVault(contents, keys, rng),
    peer: platform.service,
    acting: (work) => actingFor({ account: BUYER, tenant: tenantOfAccount(BUYER) }, work),
    async stored(cid) {
      const parts: Uint8Array[] = [];
      for await (const { chunk } of prover.contents.getContent({ cid }))
        if (chunk !== undefined) parts.push(chunk);
      return Buffer.concat(parts);
    },
    async keyForProving(cid) {
      const pair = generateSealingKeyPair(rng);
      const service = { purpose: "proof", jobId: `0x${"0a".repeat(32)}` };
      const { sealedKey } = await prover.keys.releaseKey({
        cid,
        recipientPublicKey: pair.publicKey,
        service,
      });
      if (sealedKey === undefined) throw new Error("no key came");
      return openKey(sealedKey, pair.privateKey, `release:${cid}`);
    },
    close: () => platform.stop(),
  };
});

inputVaultConformance("StorageInputVault on FakePeers", async () => {
  const { peers, url } = await fakePeers();
  const options = { audience: "storage" };
  return {
    vault: new StorageInputVault(
      createGrpcClient(ContentServiceService, url, options),
      createGrpcClient(ContentKeyServiceService, url, options),
      new SeededRng(8),
    ),
    peer: peers.peer,
    acting: (work) => work(),
    stored: async (cid) => peers.contents.get(cid) ?? new Uint8Array(0),
    keyForProving: async (cid) => peers.contentKeys.get(cid) ?? new Uint8Array(0),
    close: async () => peers.close(),
  };
});
