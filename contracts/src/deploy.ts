import { CodedError, toCodedError } from "@aios/kernel/coded-error";
import {
  AbiCoder,
  Contract,
  concat,
  dataLength,
  getCreate2Address,
  getCreateAddress,
  Interface,
  type InterfaceAbi,
  isError,
  keccak256,
  type Provider,
  type Signer,
  type TransactionReceipt,
  type TransactionResponse,
  toBeHex,
  zeroPadValue,
} from "ethers";
import { abi as capabilityAbi } from "../generated/abi/capability-claims.js";
import { abi as registryAbi } from "../generated/abi/contract-registry.js";
import { abi as deliveryVerifierAbi } from "../generated/abi/delivery-result-verifier.js";
import { abi as groth16VerifierAbi } from "../generated/abi/groth16-result-verifier.js";
import { abi as honkResultVerifierAbi } from "../generated/abi/honk-result-verifier.js";
import { abi as honkVerifierAbi } from "../generated/abi/honk-verifier.js";
import { abi as escrowAbi } from "../generated/abi/job-escrow.js";
import { abi as licenceAbi } from "../generated/abi/model-licence.js";
import { abi as providersAbi } from "../generated/abi/provider-registry.js";
import { abi as receiptsAbi } from "../generated/abi/receipt-registry.js";
import { abi as replicatedVerifierAbi } from "../generated/abi/replicated-result-verifier.js";
import { abi as sampledVerifierAbi } from "../generated/abi/sampled-result-verifier.js";
import { abi as tokenAbi } from "../generated/abi/wrapped-aios.js";
import { bytecode as capabilityCode } from "../generated/bytecode/capability-claims.js";
import { bytecode as registryCode } from "../generated/bytecode/contract-registry.js";
import { bytecode as deliveryVerifierCode } from "../generated/bytecode/delivery-result-verifier.js";
import { bytecode as groth16VerifierCode } from "../generated/bytecode/groth16-result-verifier.js";
import { bytecode as honkResultVerifierCode } from "../generated/bytecode/honk-result-verifier.js";
import { bytecode as honkVerifierCode } from "../generated/bytecode/honk-verifier.js";
import { bytecode as escrowCode } from "../generated/bytecode/job-escrow.js";
import { bytecode as licenceCode } from "../generated/bytecode/model-licence.js";
import { bytecode as providersCode } from "../generated/bytecode/provider-registry.js";
import { bytecode as receiptsCode } from "../generated/bytecode/receipt-registry.js";
import { bytecode as replicatedVerifierCode } from "../generated/bytecode/replicated-result-verifier.js";
import { bytecode as sampledVerifierCode } from "../generated/bytecode/sampled-result-verifier.js";
import { bytecode as tokenCode } from "../generated/bytecode/wrapped-aios.js";
import { type AddressBook, type ContractName, registryAt } from "./address-book.js";
import { contractRevert, revertDataOf } from "./errors.js";
import type { ProtocolParameters } from "./parameters.js";

export interface DeployInput {
  readonly provider: Provider;
  /** Becomes the registry's owner. On a chain without contracts it must not have sent a transaction before. */
  readonly signer: Signer;
  readonly parameters: ProtocolParameters;
  /** Called for each step that this run carries out. */
  readonly onStep?: (step: string) => void;
}

export interface Deployment extends AddressBook {
  /** What this run put on chain; empty when all was there. */
  readonly deployedNow: readonly ContractName[];
}

interface PlannedContract {
  readonly name: ContractName;
  readonly version: bigint;
  readonly address: string;
  readonly initCode: string;
  readonly exists: boolean;
}

/** Gas for creating a contract: 200 a byte of code, 16 a byte of calldata, hashing and storage on top. */
const deploymentGas = (initCode: string): bigint => 1_000_000n + 250n * BigInt(dataLength(initCode));

/**
 * Puts the protocol on a chain, or finds it there. Addresses follow from the deployer's account and the contracts'
 * code and parameters alone (the registry is the deployer's first contract, all others are CREATE2 by the
 * registry), so an interrupted run is simply run again. Changed code or parameters make a new version.
 * Throws `deployer-account-used`, `not-registry-owner`, `honk-powers-differ`, `deployment-failed`, `reverted`.
 */
export async function deployProtocol({
  provider,
  signer,
  parameters,
  onStep,
}: DeployInput): Promise<Deployment> {
  const deployer = await signer.getAddress();
  const { chainId } = await provider.getNetwork();
  const deployedNow: ContractName[] = [];
  const registryAddress = await ensureRegistry(provider, signer, deployer, () => {
    deployedNow.push("ContractRegistry");
    onStep?.("deploying ContractRegistry");
  });
  await requireTau(provider, registryAddress, parameters.honkTauG2);
  const plan = await planContracts(provider, registryAddress, deployer, parameters);
  const missing = plan.filter((contract) => !contract.exists);
  for (const { name } of missing) onStep?.(`deploying ${name}`);
  await deployMissing(provider, signer, registryAddress, missing);
  deployedNow.push(...missing.map(({ name }) => name));

  const contracts = Object.fromEntries([
    ["ContractRegistry", registryAddress],
    ...plan.map(({ name, address }) => [name, address]),
  ]) as Record<ContractName, string>;
  await admitEscrow(provider, signer, contracts, onStep);
  await wrapInitialBalances(provider, signer, contracts.WrappedAios, parameters, onStep);
  return { chainId: Number(chainId), contracts, deployedNow };
}

/** Where the registry of this deployer is or will be. */
export function registryAddressOf(deployer: string): string {
  return getCreateAddress({ from: deployer, nonce: 0 });
}

async function ensureRegistry(
  provider: Provider,
  signer: Signer,
  deployer: string,
  onDeploy: () => void,
): Promise<string> {
  const address = registryAddressOf(deployer);
  if ((await provider.getCode(address)) === "0x") {
    // A run that was interrupted may have left the transaction in the pool.
    const [mined, pending] = await Promise.all([
      provider.getTransactionCount(deployer, "latest"),
      provider.getTransactionCount(deployer, "pending"),
    ]);
    if (mined > 0) throw accountUsed(deployer, address);
    if (pending > 0) throw stillPending(deployer);
    onDeploy();
    const data = concat([registryCode, AbiCoder.defaultAbiCoder().encode(["address"], [deployer])]);
    await confirmed(
      await signer.sendTransaction({ data, nonce: 0, gasLimit: deploymentGas(data) }),
      "ContractRegistry",
    );
  }
  const owner = String(await registryAt(address, provider).getFunction("owner")());
  if (owner.toLowerCase() !== deployer.toLowerCase()) {
    throw new CodedError({
      code: "not-registry-owner",
      kind: "forbidden",
      message: `The registry at ${address} belongs to ${owner}. Deploy with that account's key.`,
    });
  }
  return address;
}

/** Keys of models are made under one tau: under another verifier no proof of a published model would hold. */
async function requireTau(
  provider: Provider,
  registryAddress: string,
  asked: ProtocolParameters["honkTauG2"],
): Promise<void> {
  const registry = registryAt(registryAddress, provider);
  const count = BigInt(await registry.getFunction("versionCount")("HonkVerifier"));
  if (count === 0n) return;
  const address = String(await registry.getFunction("versionOf")("HonkVerifier", count));
  const onChain = await tauOf(new Contract(address, honkVerifierAbi, provider));
  if (onChain === undefined || onChain.every((word, index) => word === BigInt(asked[index] ?? 0))) return;
  throw new CodedError({
    code: "honk-powers-differ",
    kind: "conflict",
    message:
      `The HonkVerifier at ${address} was deployed with other powers of tau: under the ones asked for, ` +
      "no UltraHonk proof of a model that is published would be accepted. Give the powers that it was deployed with.",
  });
}

/** Undefined for a verifier of a version that does not tell it. */
async function tauOf(verifier: Contract): Promise<readonly bigint[] | undefined> {
  const words = ["tauXImaginary", "tauXReal", "tauYImaginary", "tauYReal"];
  try {
    return await Promise.all(words.map(async (word) => BigInt(await verifier.getFunction(word)())));
  } catch (error) {
    if (isError(error, "CALL_EXCEPTION")) return undefined;
    throw error;
  }
}

async function planContracts(
  provider: Provider,
  registryAddress: string,
  deployer: string,
  parameters: ProtocolParameters,
): Promise<PlannedContract[]> {
  const registry = registryAt(registryAddress, provider);
  const plan: PlannedContract[] = [];
  const add = async (
    name: ContractName,
    abi: InterfaceAbi,
    code: string,
    args: readonly unknown[],
  ): Promise<string> => {
    const initCode = concat([code, new Interface(abi).encodeDeploy(args)]);
    const contract = await locate(registry, registryAddress, name, initCode);
    plan.push(contract);
    return contract.address;
  };
  const token = await add("WrappedAios", tokenAbi, tokenCode, []);
  const providers = await add("ProviderRegistry", providersAbi, providersCode, [
    token,
    registryAddress,
    parameters.minimumStakeWei,
    parameters.unbondDelaySeconds,
  ]);
  const models = await add("ModelLicence", licenceAbi, licenceCode, [
    token,
    parameters.treasury,
    parameters.protocolFeeBps,
    parameters.minimumRoyaltyBps,
    parameters.maximumRoyaltyBps,
  ]);
  await add("ReceiptRegistry", receiptsAbi, receiptsCode, [deployer, parameters.anchor]);
  const proofs = await add("Groth16ResultVerifier", groth16VerifierAbi, groth16VerifierCode, [models]);
  const honk = await add("HonkVerifier", honkVerifierAbi, honkVerifierCode, [parameters.honkTauG2]);
  const honkProofs = await add("HonkResultVerifier", honkResultVerifierAbi, honkResultVerifierCode, [
    models,
    honk,
  ]);
  await add("CapabilityClaims", capabilityAbi, capabilityCode, [models, proofs, honkProofs]);
  await add("DeliveryResultVerifier", deliveryVerifierAbi, deliveryVerifierCode, [
    parameters.challengeWindowSeconds,
  ]);
  await add("SampledResultVerifier", sampledVerifierAbi, sampledVerifierCode, [
    parameters.challengeWindowSeconds,
    proofs,
  ]);
  await add("ReplicatedResultVerifier", replicatedVerifierAbi, replicatedVerifierCode, [providers, proofs]);
  await add("JobEscrow", escrowAbi, escrowCode, [
    token,
    parameters.treasury,
    parameters.protocolFeeBps,
    registryAddress,
    models,
    providers,
  ]);
  return plan;
}

/** The registered version with exactly this code and these parameters, or the next free one. */
async function locate(
  registry: Contract,
  registryAddress: string,
  name: ContractName,
  initCode: string,
): Promise<PlannedContract> {
  const codeHash = keccak256(initCode);
  const predict = (version: bigint) => getCreate2Address(registryAddress, salt(name, version), codeHash);
  const count = BigInt(await registry.getFunction("versionCount")(name));
  for (let version = count; version >= 1n; version--) {
    const address = predict(version);
    const registered = String(await registry.getFunction("versionOf")(name, version));
    if (registered === address) return { name, version, address, initCode, exists: true };
  }
  return { name, version: count + 1n, address: predict(count + 1n), initCode, exists: false };
}

function salt(name: string, version: bigint): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["string", "uint64"], [name, version]));
}

/** Sends all at once, since no address depends on a receipt, then waits for each. */
async function deployMissing(
  provider: Provider,
  signer: Signer,
  registryAddress: string,
  missing: readonly PlannedContract[],
): Promise<void> {
  const registry = new Interface(registryAbi);
  const deployer = await signer.getAddress();
  let nonce = await provider.getTransactionCount(deployer, "pending");
  const sent: { contract: PlannedContract; transaction: TransactionResponse }[] = [];
  for (const contract of missing) {
    const data = registry.encodeFunctionData("deploy", [contract.name, contract.version, contract.initCode]);
    const transaction = await signer.sendTransaction({
      to: registryAddress,
      data,
      nonce: nonce++,
      gasLimit: deploymentGas(data),
    });
    sent.push({ contract, transaction });
  }
  for (const { contract, transaction } of sent) {
    const outcome = await confirmed(transaction, contract.name).catch((error: unknown) =>
      toCodedError(error),
    );
    // An earlier, interrupted run may have come first: what counts is what is there.
    if ((await provider.getCode(contract.address)) !== "0x") continue;
    throw outcome instanceof CodedError ? outcome : deploymentFailed(contract.name, outcome.hash);
  }
}

/** Lets the escrow take what refuted providers put at risk; see `ProviderRegistry.admitEscrow` for when. */
async function admitEscrow(
  provider: Provider,
  signer: Signer,
  { ProviderRegistry, JobEscrow }: Readonly<Record<ContractName, string>>,
  onStep: ((step: string) => void) | undefined,
): Promise<void> {
  const providers = new Contract(ProviderRegistry, providersAbi, provider);
  if (BigInt(await providers.getFunction("escrowSince")(JobEscrow)) !== 0n) return;
  onStep?.("admitting JobEscrow to ProviderRegistry");
  const data = new Interface(providersAbi).encodeFunctionData("admitEscrow", [JobEscrow]);
  await confirmed(await signer.sendTransaction({ to: ProviderRegistry, data }), "ProviderRegistry");
}

/**
 * Not estimated: a deposit in a new second writes a new supply checkpoint, one in the same second does not, so that an
 * estimate made just before may fall short.
 */
const DEPOSIT_GAS = 300_000n;

async function wrapInitialBalances(
  provider: Provider,
  signer: Signer,
  tokenAddress: string,
  parameters: ProtocolParameters,
  onStep: ((step: string) => void) | undefined,
): Promise<void> {
  const token = new Interface(tokenAbi);
  const depositTopic = token.getEvent("Deposit")?.topicHash;
  if (depositTopic === undefined) throw new TypeError("WrappedAios has no Deposit event");
  const deposits: TransactionResponse[] = [];
  for (const { account, amountWei } of parameters.initialWrappedBalances) {
    if (amountWei === 0n || (await hasLog(provider, tokenAddress, [depositTopic, zeroPadValue(account, 32)])))
      continue;
    onStep?.(`wrapping AIOS for ${account}`);
    const data = token.encodeFunctionData("depositTo", [account]);
    const deposit = { to: tokenAddress, data, value: toBeHex(amountWei), gasLimit: DEPOSIT_GAS };
    deposits.push(await signer.sendTransaction(deposit));
  }
  for (const deposit of deposits) await confirmed(deposit, "WrappedAios");
}

/** Looks from the oldest block on, in pages, because nodes bound how many blocks one query may span. */
async function hasLog(provider: Provider, address: string, topics: readonly string[]): Promise<boolean> {
  const head = await provider.getBlockNumber();
  for (let fromBlock = 0; fromBlock <= head; fromBlock += LOG_PAGE_BLOCKS) {
    const toBlock = Math.min(head, fromBlock + LOG_PAGE_BLOCKS - 1);
    const logs = await provider.getLogs({ address, topics: [...topics], fromBlock, toBlock });
    if (logs.length > 0) return true;
  }
  return false;
}

const LOG_PAGE_BLOCKS = 5_000;

async function confirmed(transaction: TransactionResponse, name: ContractName): Promise<TransactionReceipt> {
  try {
    const receipt = await transaction.wait(1, CONFIRMATION_TIMEOUT_MS);
    if (receipt !== null) return receipt;
  } catch (error) {
    const data = revertDataOf(error);
    if (data !== undefined && data !== "0x") throw contractRevert(data);
    throw deploymentFailed(name, transaction.hash, error);
  }
  throw deploymentFailed(name, transaction.hash);
}

const CONFIRMATION_TIMEOUT_MS = 120_000;

function deploymentFailed(name: ContractName, hash: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "deployment-failed",
    kind: "unavailable",
    message: `${name} could not be put on the chain (transaction ${hash}). Check the deployer's balance and the chain, then run again.`,
    cause,
  });
}

function accountUsed(deployer: string, address: string): CodedError {
  return new CodedError({
    code: "deployer-account-used",
    kind: "conflict",
    message: `${deployer} has sent transactions, but its registry is not at ${address}. Deploy with an account that is new to this chain.`,
  });
}

function stillPending(deployer: string): CodedError {
  return new CodedError({
    code: "deployment-pending",
    kind: "unavailable",
    message: `A transaction of ${deployer} is still waiting to be mined. Run again in a moment.`,
    retryAfterMs: 2000,
  });
}
