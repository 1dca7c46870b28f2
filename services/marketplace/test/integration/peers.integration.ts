import { abi as claimsAbi } from "@aios/contracts/abi/capability-claims";
import { abi as modelLicenceAbi } from "@aios/contracts/abi/model-licence";
import { EconomyBesideOthers } from "@aios/economy/test/support/economy-beside-others";
import { economyClient } from "@aios/economy/test/support/economy-platform";
import {
  ACCOUNTS,
  deployTestProtocol,
  startTestChain,
  testWallet,
} from "@aios/economy/test/support/test-chain";
import { address, bytes32, tenantOfAccount } from "@aios/kernel/identifiers";
import { StoragePlatform } from "@aios/storage/test/storage-platform";
import { ProverPlatform } from "@aios/zk-prover/test/support/prover-platform";
import { Contract, hexlify, Interface, type Provider, parseEther } from "ethers";
import { JsonRpcReader } from "../../src/adapters/chain/json-rpc.reader.js";
import { JsonRpcCapabilityReader } from "../../src/adapters/chain/json-rpc-capability.reader.js";
import { EconomyChainWriter } from "../../src/adapters/peers/economy.chain-writer.js";
import { ProverKeyMaker } from "../../src/adapters/peers/prover.key-maker.js";
import { StorageContentOwners } from "../../src/adapters/peers/storage.content-owners.js";
import { capabilityReaderConformance } from "../conformance/capability-reader.conformance.js";
import { chainReaderConformance } from "../conformance/chain-reader.conformance.js";
import { chainWriterConformance } from "../conformance/chain-writer.conformance.js";
import { contentOwnersConformance } from "../conformance/content-owners.conformance.js";
import { keyMakerConformance } from "../conformance/key-maker.conformance.js";
import { signedPublication, signedPurchase } from "../support/signed-calls.js";

const CHAIN_ID = 31_337n;

function contextOf(contracts: Readonly<Record<string, string>>) {
  const contract = (name: string) => address(contracts[name] ?? "");
  return {
    chainId: CHAIN_ID,
    modelLicence: contract("ModelLicence"),
    wrappedAios: contract("WrappedAios"),
  };
}

async function countsOf(licences: string, provider: Provider) {
  const contract = new Contract(licences, modelLicenceAbi, provider);
  const count = async (name: string): Promise<number> => Number(await contract.getFunction(name)());
  return { models: await count("modelCount"), licences: await count("licenceCount") };
}

chainWriterConformance("EconomyChainWriter on the economy service", async () => {
  const platform = await EconomyBesideOthers.start();
  const { foundation, economy, chain } = platform;
  const context = contextOf(platform.contracts);
  const client = await economyClient(foundation, economy.ports.grpcPort, "marketplace");
  return {
    open: () => new EconomyChainWriter(client),
    peer: economy,
    context,
    funded: { account: address(ACCOUNTS.provider.address), wrappedWei: parseEther("10000") },
    poor: address(testWallet(9).address),
    publication: () => signedPublication(context, ACCOUNTS.developer),
    purchase: () => signedPurchase(context, ACCOUNTS.business, 1n),
    onChain: () => countsOf(context.modelLicence, chain.provider),
    close: () => platform.stop(),
  };
});

chainReaderConformance("JsonRpcReader", async () => {
  const chain = await startTestChain();
  const context = contextOf(await deployTestProtocol(chain.provider));
  const relayer = ACCOUNTS.relayer.connect(chain.provider);
  for (const data of [
    await signedPublication(context, ACCOUNTS.developer),
    await signedPurchase(context, ACCOUNTS.business, 1n),
  ]) {
    // Not estimated: whether a payment writes a new checkpoint of votes depends on the second that it falls into.
    const request = { to: context.modelLicence, data: hexlify(data), gasLimit: 1_000_000n };
    const sent = await relayer.sendTransaction(request);
    await sent.wait();
  }
  return {
    reader: new JsonRpcReader(chain.url, 5_000),
    peer: chain,
    token: context.wrappedAios,
    modelLicence: context.modelLicence,
    owner: address(ACCOUNTS.business.address),
    stranger: address(testWallet(9).address),
    modelId: 1n,
    licenceId: 1n,
    close: () => chain.stop(),
  };
});

contentOwnersConformance("StorageContentOwners on the storage service", async () => {
  const platform = await StoragePlatform.start();
  const { contents } = await platform.as("marketplace");
  const accounts = {
    first: address(`0x${"a1".repeat(20)}`),
    second: address(`0x${"b2".repeat(20)}`),
  };
  return {
    owners: new StorageContentOwners(contents),
    peer: platform.service,
    async store(bytes, who) {
      await (await platform.owner(accounts[who])).store(bytes);
      return tenantOfAccount(accounts[who]);
    },
    close: () => platform.stop(),
  };
});

keyMakerConformance("ProverKeyMaker on the zk-prover", async () => {
  const platform = await ProverPlatform.start();
  const prover = await platform.startProver();
  const { modelCid, modelCommitment } = platform.addModel(1);
  const nonsense = platform.storage.deposit(Uint8Array.of(1, 2, 3), ["proving-key-setup"]);
  return {
    maker: new ProverKeyMaker(await platform.as("marketplace")),
    peer: prover,
    good: { contentCid: modelCid, modelCommitment: bytes32(hexlify(modelCommitment)) },
    bad: { contentCid: nonsense, modelCommitment: bytes32(`0x${"05".repeat(32)}`) },
    unknown: bytes32(`0x${"06".repeat(32)}`),
    close: () => platform.stop(),
  };
});

capabilityReaderConformance("JsonRpcCapabilityReader", async () => {
  const chain = await startTestChain();
  const contracts = await deployTestProtocol(chain.provider);
  const { modelLicence } = contextOf(contracts);
  const claims = address(contracts["CapabilityClaims"] ?? "");
  const send = async (who: typeof ACCOUNTS.developer, to: string, data: string): Promise<void> => {
    const sent = await who.connect(chain.provider).sendTransaction({ to, data, gasLimit: 1_000_000n });
    await sent.wait();
  };
  await send(
    ACCOUNTS.relayer,
    modelLicence,
    hexlify(await signedPublication(contextOf(contracts), ACCOUNTS.developer)),
  );
  const abi = new Interface(claimsAbi);
  const call = (who: typeof ACCOUNTS.developer, name: string, args: readonly unknown[]): Promise<void> =>
    send(who, claims, abi.encodeFunctionData(name, args));
  const root = `0x${"7e".repeat(32)}`;
  await call(ACCOUNTS.business, "publishTestSet", [root, 100, 10, "digits"]);
  // A new set begins no new count, and the third claim is of the other proof system.
  const other = `0x${"7f".repeat(32)}`;
  await call(ACCOUNTS.business, "publishTestSet", [other, 100, 10, "the same digits, salted anew"]);
  for (const drawId of [1, 2, 3]) {
    await call(ACCOUNTS.business, "offerDraw", [`0x${"5e".repeat(32)}`]);
    const verifier = contracts[drawId === 3 ? "HonkResultVerifier" : "Groth16ResultVerifier"];
    const set = [ACCOUNTS.business.address, drawId === 2 ? other : root];
    await call(ACCOUNTS.developer, "claim", [1, verifier, ...set, 60, 58, drawId]);
  }
  return {
    reader: new JsonRpcCapabilityReader(async () => ({ claims, models: modelLicence }), chain.url, 5_000),
    peer: chain,
    modelId: 1n,
    drawer: ACCOUNTS.business.address.toLowerCase(),
    close: () => chain.stop(),
  };
});
