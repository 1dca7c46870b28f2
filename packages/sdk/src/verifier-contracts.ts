import type { Protocol, Verification } from "./api-types.js";

/** The platform's contract that decides for each way of verification. */
export const VERIFIER_CONTRACT: Readonly<Record<Verification, string>> = {
  none: "DeliveryResultVerifier",
  sample: "SampledResultVerifier",
  replicate: "ReplicatedResultVerifier",
  proof: "Groth16ResultVerifier",
  honk: "HonkResultVerifier",
};

/** The way of verification that an order bought, by its verifier's address; undefined for one that the platform does not name. */
export function verificationBy(protocol: Protocol, verifier: string): Verification | undefined {
  const ways = Object.keys(VERIFIER_CONTRACT) as Verification[];
  return ways.find((way) => isContract(protocol, VERIFIER_CONTRACT[way], verifier));
}

function isContract({ contracts }: Protocol, name: string, address: string): boolean {
  return contracts[name]?.toLowerCase() === address.toLowerCase();
}
