import { CodedError } from "@aios/kernel/coded-error";
import { Contract, type ContractRunner, getAddress, type Provider } from "ethers";
import { abi as registryAbi } from "../generated/abi/contract-registry.js";

/** Names in the on-chain registry. */
export const CONTRACT_NAMES = [
  "ContractRegistry",
  "WrappedAios",
  "ProviderRegistry",
  "ModelLicence",
  "ReceiptRegistry",
  "Groth16ResultVerifier",
  "HonkVerifier",
  "HonkResultVerifier",
  "DeliveryResultVerifier",
  "SampledResultVerifier",
  "ReplicatedResultVerifier",
  "JobEscrow",
  "CapabilityClaims",
] as const;
export type ContractName = (typeof CONTRACT_NAMES)[number];

export interface AddressBook {
  readonly chainId: number;
  /** Checksummed addresses of the newest versions. */
  readonly contracts: Readonly<Record<ContractName, string>>;
}

/** `ContractRegistry` with types for the calls that are made here. */
export function registryAt(address: string, runner: ContractRunner): Contract {
  return new Contract(address, registryAbi, runner);
}

/** Reads the newest version of every contract from the on-chain registry. Throws `contracts-not-deployed`. */
export async function readAddressBook(provider: Provider, registryAddress: string): Promise<AddressBook> {
  if ((await provider.getCode(registryAddress)) === "0x")
    throw notDeployed(`no contract at ${registryAddress}`);
  const registry = registryAt(registryAddress, provider);
  const addressOf = async (name: ContractName): Promise<readonly [ContractName, string]> => {
    if (name === "ContractRegistry") return [name, getAddress(registryAddress)];
    const count = BigInt(await registry.getFunction("versionCount")(name));
    if (count === 0n) throw notDeployed(`the registry does not list '${name}'`);
    return [name, String(await registry.getFunction("versionOf")(name, count))];
  };
  const entries = await Promise.all(CONTRACT_NAMES.map(addressOf));
  const { chainId } = await provider.getNetwork();
  return { chainId: Number(chainId), contracts: Object.fromEntries(entries) as Record<ContractName, string> };
}

function notDeployed(why: string): CodedError {
  return new CodedError({
    code: "contracts-not-deployed",
    kind: "unavailable",
    message: `The protocol's contracts are not on this chain (${why}). Deploy them first.`,
  });
}
