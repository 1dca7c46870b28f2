import { abi as capabilityClaims } from "@aios/contracts/abi/capability-claims";
import { abi as contractRegistry } from "@aios/contracts/abi/contract-registry";
import { abi as deliveryResultVerifier } from "@aios/contracts/abi/delivery-result-verifier";
import { abi as groth16ResultVerifier } from "@aios/contracts/abi/groth16-result-verifier";
import { abi as honkResultVerifier } from "@aios/contracts/abi/honk-result-verifier";
import { abi as honkVerifier } from "@aios/contracts/abi/honk-verifier";
import { abi as jobEscrow } from "@aios/contracts/abi/job-escrow";
import { abi as modelLicence } from "@aios/contracts/abi/model-licence";
import { abi as providerRegistry } from "@aios/contracts/abi/provider-registry";
import { abi as receiptRegistry } from "@aios/contracts/abi/receipt-registry";
import { abi as replicatedResultVerifier } from "@aios/contracts/abi/replicated-result-verifier";
import { abi as sampledResultVerifier } from "@aios/contracts/abi/sampled-result-verifier";
import { abi as wrappedAios } from "@aios/contracts/abi/wrapped-aios";
import { Interface } from "ethers";

export const REGISTRY_INTERFACE = new Interface(contractRegistry);

/** Every contract of the protocol by its name in the registry. */
export const PROTOCOL_INTERFACES: ReadonlyMap<string, Interface> = new Map([
  ["WrappedAios", new Interface(wrappedAios)],
  ["ProviderRegistry", new Interface(providerRegistry)],
  ["ModelLicence", new Interface(modelLicence)],
  ["JobEscrow", new Interface(jobEscrow)],
  ["Groth16ResultVerifier", new Interface(groth16ResultVerifier)],
  ["HonkVerifier", new Interface(honkVerifier)],
  ["HonkResultVerifier", new Interface(honkResultVerifier)],
  ["DeliveryResultVerifier", new Interface(deliveryResultVerifier)],
  ["SampledResultVerifier", new Interface(sampledResultVerifier)],
  ["ReplicatedResultVerifier", new Interface(replicatedResultVerifier)],
  ["CapabilityClaims", new Interface(capabilityClaims)],
  ["ReceiptRegistry", new Interface(receiptRegistry)],
]);

/** Contracts whose events the index keeps; the token's transfers are none of them. */
export const INDEXED_CONTRACTS: readonly string[] = [
  "ProviderRegistry",
  "ModelLicence",
  "JobEscrow",
  "ReceiptRegistry",
];
