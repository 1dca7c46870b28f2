import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { abi as receiptRegistryAbi } from "@aios/contracts/abi/receipt-registry";
import { registryAddressOf } from "@aios/contracts/deploy";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { address } from "@aios/kernel/identifiers";
import { eventually } from "@aios/testkit/eventually";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { getBytes, Interface, keccak256, parseEther, type Wallet } from "ethers";
import { ContractProtocolReader } from "../../src/adapters/chain/contract-protocol.reader.js";
import { JsonRpcNode } from "../../src/adapters/chain/json-rpc.node.js";
import { JsonRpcClient } from "../../src/adapters/chain/json-rpc-client.js";
import { KeyFileVault } from "../../src/adapters/chain/key-file.vault.js";
import { RegistryContractBook } from "../../src/adapters/chain/registry-contract.book.js";
import { chainBlocksConformance } from "../conformance/chain-blocks.conformance.js";
import { chainNodeConformance } from "../conformance/chain-node.conformance.js";
import { contractBookConformance } from "../conformance/contract-book.conformance.js";
import { eventReaderConformance } from "../conformance/event-reader.conformance.js";
import { protocolReaderConformance } from "../conformance/protocol-reader.conformance.js";
import { signerVaultConformance } from "../conformance/signer-vault.conformance.js";
import { SimulatedChain, SimulatedContracts } from "../support/simulated-chain.js";
import {
  ACCOUNTS,
  deployTestProtocol,
  startTestChain,
  type TestChain,
  testWallet,
} from "../support/test-chain.js";

const TIMEOUT_MS = 5_000;
const REGISTRY = registryAddressOf(ACCOUNTS.deployer.address);
const receiptRegistry = new Interface(receiptRegistryAbi);
const anchorCall = (batch: number): string =>
  receiptRegistry.encodeFunctionData("anchor", [batch, `0x${"ab".repeat(32)}`, 3]);

const clientOf = (chain: TestChain) => new JsonRpcClient(chain.url, TIMEOUT_MS);
const bookOf = (chain: TestChain) => new RegistryContractBook(clientOf(chain), address(REGISTRY));

async function send(chain: TestChain, from: Wallet, to: string, data = "0x"): Promise<string> {
  const transaction = await from.connect(chain.provider).sendTransaction({ to, data });
  await transaction.wait();
  return transaction.hash;
}

chainBlocksConformance("JsonRpcNode", async () => {
  const chain = await startTestChain();
  return {
    blocks: new JsonRpcNode(clientOf(chain)),
    grow: () => send(chain, ACCOUNTS.business, ACCOUNTS.provider.address),
    peer: chain,
    close: () => chain.stop(),
  };
});

chainBlocksConformance("SimulatedChain", async () => {
  const blocks = new SimulatedChain();
  let transactions = 0;
  return {
    blocks,
    async grow() {
      transactions += 1;
      const hash = `0x${transactions.toString(16).padStart(64, "0")}`;
      blocks.fork(blocks.height, 0, [[hash]]);
      return hash;
    },
    close: async () => undefined,
  };
});

chainNodeConformance("JsonRpcNode", async () => {
  const chain = await startTestChain();
  const contracts = await deployTestProtocol(chain.provider);
  const registry = address(contracts["ReceiptRegistry"] ?? "");
  const account = ACCOUNTS.business;
  return {
    node: new JsonRpcNode(clientOf(chain)),
    peer: chain,
    account: address(account.address),
    async sign(nonce, call = { to: address(`0x${"fd".repeat(20)}`), data: new Uint8Array(0) }) {
      const raw = await account.signTransaction({
        type: 2,
        chainId: 31_337,
        nonce,
        to: call.to,
        data: `0x${Buffer.from(call.data).toString("hex")}`,
        value: call.data.length === 0 ? 1n : 0n,
        gasLimit: 200_000n,
        maxFeePerGas: 10n ** 11n,
        maxPriorityFeePerGas: 1n,
      });
      return { hash: keccak256(raw), raw: getBytes(raw) };
    },
    view: {
      call: { to: registry, data: getBytes(receiptRegistry.encodeFunctionData("batchCount")) },
      answer: `0x${"00".repeat(32)}`,
    },
    refused: {
      call: { to: registry, data: getBytes(anchorCall(1)) },
      error: "AccessControlUnauthorizedAccount",
    },
    close: () => chain.stop(),
  };
});

contractBookConformance("RegistryContractBook", async () => {
  const chain = await startTestChain();
  return {
    open: () => bookOf(chain),
    peer: chain,
    deploy: () => deployTestProtocol(chain.provider),
    known: {
      contract: "ReceiptRegistry",
      name: "anchor",
      selector: getBytes(receiptRegistry.getFunction("anchor")?.selector ?? "0x"),
    },
    close: () => chain.stop(),
  };
});

eventReaderConformance("RegistryContractBook", async () => {
  const chain = await startTestChain();
  const contracts = await deployTestProtocol(chain.provider);
  const reader = bookOf(chain);
  await reader.load();
  const anchored = await send(chain, ACCOUNTS.anchor, contracts["ReceiptRegistry"] ?? "", anchorCall(1));
  const moved = await send(chain, ACCOUNTS.business, ACCOUNTS.provider.address);
  const blockOf = (hash: string) =>
    eventually(async () => {
      const blocks = await new JsonRpcNode(clientOf(chain)).blocks(0n, 1_000);
      const found = blocks.find(({ receipts }) => receipts.some((each) => each.transactionHash === hash));
      if (found === undefined) throw new Error(`${hash} is in no block yet`);
      return found;
    });
  return {
    reader,
    eventful: { block: await blockOf(anchored), subjects: ["batch:1"] },
    quiet: await blockOf(moved),
    close: () => chain.stop(),
  };
});

eventReaderConformance("SimulatedContracts", async () => {
  const chain = new SimulatedChain();
  const hashes = ["1", "2"].map((digit) => `0x${digit.repeat(64)}`);
  chain.fork(0, 0, [hashes, []]);
  const [, block, quiet] = await chain.blocks(0n, 3);
  if (block === undefined || quiet === undefined) throw new Error("the chain did not grow");
  return {
    reader: new SimulatedContracts(),
    eventful: { block, subjects: hashes.map((hash) => `batch:${hash}`) },
    quiet,
    close: async () => undefined,
  };
});

protocolReaderConformance("ContractProtocolReader", async () => {
  const [chain, bare] = await Promise.all([startTestChain(), startTestChain()]);
  await deployTestProtocol(chain.provider);
  const book = bookOf(chain);
  await book.load();
  return {
    reader: new ContractProtocolReader(clientOf(chain), book),
    bare: new ContractProtocolReader(clientOf(bare), bookOf(bare)),
    peer: chain,
    terms: {
      treasury: address(ACCOUNTS.deployer.address),
      protocolFeeBps: 500,
      challengeWindowSeconds: 5,
      honkTauG2: [...DEVELOPMENT_TAU_G2],
    },
    account: address(ACCOUNTS.business.address),
    balances: {
      nativeWei: parseEther("1000000"),
      wrappedWei: parseEther("10000"),
      withdrawableWei: 0n,
      stakedWei: 0n,
    },
    async close() {
      await chain.stop();
      await bare.stop();
    },
  };
});

signerVaultConformance("KeyFileVault", async () => {
  const directory = temporaryDirectory("vault");
  const fileOf = (name: string, index: number): string => {
    const file = join(directory.path, `${name}.key`);
    writeFileSync(file, testWallet(index).privateKey, { mode: 0o600 });
    return file;
  };
  const files = { relayer: fileOf("relayer", 1), matcher: fileOf("matcher", 2), anchor: fileOf("anchor", 3) };
  return { load: () => new KeyFileVault(files), close: async () => directory.remove() };
});
