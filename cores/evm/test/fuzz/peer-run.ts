import { keccak256 } from "@aios/core-keccak/keccak";
import { createBlock, paramsBlock } from "@ethereumjs/block";
import { Common, Mainnet } from "@ethereumjs/common";
import { paramsEVM } from "@ethereumjs/evm";
import { Caches, MerkleStateManager } from "@ethereumjs/statemanager";
import { createTx, paramsTx, type TypedTransaction } from "@ethereumjs/tx";
import { Account, Address, eoaCode7702SignAuthorization, setLengthLeft, unpadBytes } from "@ethereumjs/util";
import { createVM, paramsVM, type RunTxResult, runTx, type VM } from "@ethereumjs/vm";
import type { Hardfork } from "../../src/hardfork.js";
import { keyAt } from "./keys.js";
import {
  assemble,
  blockHashOf,
  bytesOf,
  CHAIN_ID,
  type Effect,
  hexOf,
  type Outcome,
  REFUSED,
  type Scenario,
  type ScenarioAuthorization,
  type ScenarioTransaction,
} from "./scenario.js";

type Hex = `0x${string}`;
const prefixed = (hex: string): Hex => `0x${hex}`;

const blockchain = {
  getBlock: async (number: number | bigint) => ({ hash: () => blockHashOf(Number(number)) }),
  putBlock: async () => undefined,
  shallowCopy: () => blockchain,
};

const refuse = (): never => {
  throw new Error("no scenario carries a blob or a proof");
};
/** The peer makes no blob transaction without one. It is never asked: blobs do not travel with executed transactions. */
const kzg = {
  loadTrustedSetup: refuse,
  blobToKzgCommitment: refuse,
  computeBlobProof: refuse,
  verifyProof: refuse,
  verifyBlobProofBatch: refuse,
  computeCells: refuse,
  computeCellsAndProofs: refuse,
  recoverCellsAndProofs: refuse,
  verifyCellKzgProofBatch: refuse,
};

const commons = new Map<Hardfork, Common>();

/** The rules of a fork. They are shared, and merged once: the packages would do both for every transaction. */
function commonOf(fork: Hardfork): Common {
  const known = commons.get(fork);
  if (known !== undefined) return known;
  const common = new Common({ chain: Mainnet, hardfork: fork, customCrypto: { kzg, keccak256 } });
  for (const parameters of [paramsTx, paramsBlock, paramsEVM, paramsVM]) common.updateParams(parameters);
  common.copy = () => common;
  common.updateParams = () => undefined;
  commons.set(fork, common);
  return common;
}

async function prepare(vm: VM, scenario: Scenario): Promise<void> {
  const state = vm.stateManager;
  await state.checkpoint();
  for (const { address, balance, nonce, code, storage } of scenario.accounts) {
    const at = new Address(bytesOf(address));
    await state.putAccount(at, new Account(BigInt(nonce), BigInt(balance)));
    const bytes = assemble(code);
    if (bytes.length > 0) await state.putCode(at, bytes);
    for (const [key, value] of Object.entries(storage))
      await state.putStorage(at, setLengthLeft(bytesOf(key), 32), unpadBytes(bytesOf(value)));
  }
  await state.commit();
  state.originalStorageCache.clear();
}

async function nonceOf(vm: VM, key: number): Promise<bigint> {
  const account = await vm.stateManager.getAccount(new Address(bytesOf(keyAt(key).address)));
  return account?.nonce ?? 0n;
}

async function signed(vm: VM, { chainId, address, nonceOffset, signer }: ScenarioAuthorization) {
  const nonce = (signer === null ? 0n : await nonceOf(vm, signer)) + BigInt(nonceOffset);
  const quantity = (value: bigint): Hex => prefixed(value.toString(16));
  const unsigned = { chainId: quantity(BigInt(chainId)), address: prefixed(address), nonce: quantity(nonce) };
  if (signer === null)
    return { ...unsigned, yParity: "0x0", r: prefixed("ff".repeat(32)), s: "0x1" } as const;
  const fields = eoaCode7702SignAuthorization(unsigned, keyAt(signer).secret);
  const [yParity, r, s] = fields
    .slice(3)
    .map((field) => quantity(BigInt(`0x0${hexOf(field as Uint8Array)}`))) as [Hex, Hex, Hex];
  return { ...unsigned, yParity, r, s };
}

async function transactionOf(vm: VM, tx: ScenarioTransaction): Promise<TypedTransaction> {
  const common = {
    type: tx.type,
    nonce: (await nonceOf(vm, tx.from)) + BigInt(tx.nonceOffset),
    gasLimit: BigInt(tx.gasLimit),
    value: BigInt(tx.value),
    data: assemble(tx.data),
    ...(tx.to === null ? {} : { to: new Address(bytesOf(tx.to)) }),
  };
  const accessList = tx.accessList.map(({ address, slots }) => ({
    address: prefixed(address),
    storageKeys: slots.map((slot) => prefixed(slot.padStart(64, "0"))),
  }));
  const fees =
    tx.type < 2
      ? { gasPrice: BigInt(tx.maxFeePerGas) }
      : { maxFeePerGas: BigInt(tx.maxFeePerGas), maxPriorityFeePerGas: BigInt(tx.maxPriorityFeePerGas) };
  const blobs = {
    maxFeePerBlobGas: BigInt(tx.maxFeePerBlobGas),
    blobVersionedHashes: tx.blobHashes.map(prefixed),
  };
  const out = createTx(
    {
      ...common,
      ...fees,
      ...(tx.type === 0 ? {} : { chainId: BigInt(CHAIN_ID), accessList }),
      ...(tx.type === 3 ? blobs : {}),
      ...(tx.type === 4
        ? { authorizationList: await Promise.all(tx.authorizations.map((each) => signed(vm, each))) }
        : {}),
    } as Parameters<typeof createTx>[0],
    { common: vm.common, freeze: false },
  );
  const sender = new Address(bytesOf(keyAt(tx.from).address));
  out.getSenderAddress = () => sender;
  out.isSigned = () => true;
  return out;
}

function effectOf({ execResult, totalGasSpent, createdAddress }: RunTxResult): Effect {
  const error = execResult.exceptionError?.error;
  return {
    status: error === undefined ? "succeeded" : "failed",
    gasUsed: String(totalGasSpent),
    output: hexOf(execResult.returnValue),
    created: error === undefined && createdAddress !== undefined ? hexOf(createdAddress.bytes) : "",
    logs: (error === undefined ? (execResult.logs ?? []) : []).map(([address, topics, data]) =>
      [address, ...topics, data].map(hexOf).join(" "),
    ),
  };
}

async function run(vm: VM, scenario: Scenario, tx: ScenarioTransaction, refusals: string[]): Promise<Effect> {
  const { number, timestamp, gasLimit, baseFeePerGas, excessBlobGas, coinbase, prevRandao } = scenario.block;
  try {
    const header = {
      number,
      timestamp,
      gasLimit,
      coinbase: prefixed(coinbase),
      ...(vm.common.gteHardfork("paris")
        ? { mixHash: bytesOf(prevRandao) }
        : { difficulty: BigInt(prefixed(prevRandao)) }),
      ...(vm.common.isActivatedEIP(1559) ? { baseFeePerGas: BigInt(baseFeePerGas) } : {}),
      ...(vm.common.isActivatedEIP(4844) ? { excessBlobGas, blobGasUsed: 0 } : {}),
    };
    const block = createBlock({ header }, { common: vm.common, skipConsensusFormatValidation: true });
    return effectOf(await runTx(vm, { tx: await transactionOf(vm, tx), block }));
  } catch (error) {
    refusals.push(error instanceof Error ? error.message : String(error));
    return REFUSED;
  }
}

/** Runs a scenario on `@ethereumjs/vm`, with the roots of its own trie. */
export async function runPeer(scenario: Scenario): Promise<Outcome> {
  const common = commonOf(scenario.fork);
  const stateManager = new MerkleStateManager({ common, caches: new Caches() });
  const vm = await createVM({ common, stateManager, blockchain: blockchain as never });
  await prepare(vm, scenario);
  const effects: Effect[] = [];
  const refusals: string[] = [];
  for (const tx of scenario.transactions) effects.push(await run(vm, scenario, tx, refusals));
  const root = `0x${hexOf(await vm.stateManager.getStateRoot())}`;
  // Every machine listens to the rules that it shares, and would live as long as they do.
  common.events.removeAllListeners();
  return { effects, root, refusals };
}
