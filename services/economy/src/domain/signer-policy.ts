import type { Lane, Signer } from "./chain-transaction.js";

interface PolicyRow {
  readonly caller: string;
  readonly signer: Signer;
  readonly contract: string;
  readonly functions: readonly string[];
}

/**
 * Which service may use which key for which function of which contract. What is not listed is refused: a stolen
 * service token is worth these calls and no other.
 */
export const SIGNER_POLICY: readonly PolicyRow[] = [
  {
    caller: "compute",
    signer: "relayer",
    contract: "JobEscrow",
    functions: ["open", "deliver", "settle", "accept", "refute", "refund"],
  },
  { caller: "compute", signer: "matcher", contract: "JobEscrow", functions: ["lease", "release"] },
  { caller: "compute", signer: "relayer", contract: "ProviderRegistry", functions: ["register"] },
  {
    caller: "marketplace",
    signer: "relayer",
    contract: "ModelLicence",
    functions: ["publishModel", "purchaseLicence"],
  },
  { caller: "scoring", signer: "anchor", contract: "ReceiptRegistry", functions: ["anchor"] },
];

/** Calls that anybody may cause with a key that holds nothing, and that no job's money waits for. */
const SPONSORED: ReadonlySet<string> = new Set([
  "ProviderRegistry.register",
  "ModelLicence.publishModel",
  "ModelLicence.purchaseLicence",
]);

export function laneOf(contract: string, functionName: string | undefined): Lane {
  return SPONSORED.has(`${contract}.${functionName ?? ""}`) ? "sponsored" : "money";
}

/** True when the table has a row for the call. An unknown function (`undefined`) is never allowed. */
export function mayUseSigner(
  caller: string,
  signer: Signer,
  contract: string,
  functionName: string | undefined,
): boolean {
  if (functionName === undefined) return false;
  return SIGNER_POLICY.some(
    (row) =>
      row.caller === caller &&
      row.signer === signer &&
      row.contract === contract &&
      row.functions.includes(functionName),
  );
}
