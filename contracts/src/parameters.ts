import { CodedError } from "@aios/kernel/coded-error";
import { WEI_PER_AIOS } from "@aios/kernel/units";
import { getAddress, isAddress, isHexString } from "ethers";

/** What a deployment fixes for good. A changed parameter makes a new version of the contracts that hold it. */
export interface ProtocolParameters {
  /** Receives the part of protocol fees that is not burned. */
  readonly treasury: string;
  /** May anchor receipt roots. */
  readonly anchor: string;
  readonly minimumStakeWei: bigint;
  readonly unbondDelaySeconds: number;
  readonly protocolFeeBps: number;
  readonly minimumRoyaltyBps: number;
  readonly maximumRoyaltyBps: number;
  /** How long after delivery an unproven result becomes final without the buyer's acceptance. */
  readonly challengeWindowSeconds: number;
  /**
   * tau·G2 of the reference string that UltraHonk proofs are made under, as EIP-197 orders it: x imaginary, x real, y
   * imaginary, y real; 32 bytes in hex each. Whoever knows tau can forge.
   */
  readonly honkTauG2: readonly [string, string, string, string];
  /** Wrapped AIOS that accounts start with, wrapped once from the deployer's native coins. */
  readonly initialWrappedBalances: readonly { readonly account: string; readonly amountWei: bigint }[];
}

/** Twice the generator: tau is two, and everybody knows it (core-ultra-honk `developmentReferenceString`). */
export const DEVELOPMENT_TAU_G2 = [
  "0x203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79",
  "0x27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9",
  "0x195e8aa5b7827463722b8c153931579d3505566b4edf48d498e185f0509de152",
  "0x04bb53b8977e5f92a0bc372742c4830944a59b4fe6b1c0466e2a6dad122b5d2e",
] as const;

export const PARAMETER_DEFAULTS = {
  minimumStakeWei: 1_000n * WEI_PER_AIOS,
  unbondDelaySeconds: 7 * 24 * 3600,
  protocolFeeBps: 500,
  minimumRoyaltyBps: 500,
  maximumRoyaltyBps: 1500,
  challengeWindowSeconds: 600,
  honkTauG2: DEVELOPMENT_TAU_G2,
} as const;

export const PARAMETER_DESCRIPTIONS: Readonly<Record<keyof ProtocolParameters, string>> = {
  treasury: "account that receives the unburned half of protocol fees (default: the deployer)",
  anchor: "account that may anchor receipt roots (default: the deployer)",
  minimumStakeWei: "least stake of a provider, decimal string of wei",
  unbondDelaySeconds: "how long a leaving provider's stake stays locked",
  protocolFeeBps: "protocol fee in basis points; half is burned",
  minimumRoyaltyBps: "least royalty a model may ask",
  maximumRoyaltyBps: "highest royalty a model may ask",
  challengeWindowSeconds: "when an unproven result becomes final without the buyer's acceptance",
  honkTauG2:
    "tau·G2 of UltraHonk's reference string: four words, imaginary parts first (default: the development string's, under which everybody can forge)",
  initialWrappedBalances:
    "list of { account, amountWei } wrapped once from the deployer's coins (default: none)",
};

/** Longest phase that `JobEscrow` allows. */
const MAX_WINDOW_SECONDS = 30 * 24 * 3600;

/** Checks parameters as they come from JSON and fills in defaults. Throws `invalid-parameters` naming the field. */
export function parseParameters(input: unknown, deployer: string): ProtocolParameters {
  const fields = record(input, "parameters");
  for (const name of Object.keys(fields)) {
    if (!(name in PARAMETER_DESCRIPTIONS))
      throw invalid(name, `is not a parameter; there are ${Object.keys(PARAMETER_DESCRIPTIONS).join(", ")}`);
  }
  const integer = (name: Exclude<keyof typeof PARAMETER_DEFAULTS, "honkTauG2">, maximum: number) =>
    wholeNumber(fields[name] ?? PARAMETER_DEFAULTS[name], name, maximum);
  const balances = fields["initialWrappedBalances"] ?? [];
  if (!Array.isArray(balances)) throw invalid("initialWrappedBalances", "must be a list");
  return {
    treasury: account(fields["treasury"] ?? deployer, "treasury"),
    anchor: account(fields["anchor"] ?? deployer, "anchor"),
    minimumStakeWei: wei(fields["minimumStakeWei"] ?? PARAMETER_DEFAULTS.minimumStakeWei, "minimumStakeWei"),
    unbondDelaySeconds: integer("unbondDelaySeconds", 10 * 365 * 24 * 3600),
    protocolFeeBps: integer("protocolFeeBps", 10_000),
    minimumRoyaltyBps: integer("minimumRoyaltyBps", 10_000),
    maximumRoyaltyBps: integer("maximumRoyaltyBps", 10_000),
    challengeWindowSeconds: integer("challengeWindowSeconds", MAX_WINDOW_SECONDS),
    honkTauG2: words(fields["honkTauG2"] ?? PARAMETER_DEFAULTS.honkTauG2, "honkTauG2"),
    initialWrappedBalances: balances.map((item: unknown, index) => {
      const entry = record(item, `initialWrappedBalances.${index}`);
      return {
        account: account(entry["account"], `initialWrappedBalances.${index}.account`),
        amountWei: wei(entry["amountWei"], `initialWrappedBalances.${index}.amountWei`),
      };
    }),
  };
}

function invalid(field: string, problem: string): CodedError {
  return new CodedError({
    code: "invalid-parameters",
    kind: "invalid",
    message: `${field} ${problem}.`,
    field,
  });
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(field, "must be an object");
  return value as Record<string, unknown>;
}

function account(value: unknown, field: string): string {
  if (!isAddress(value)) throw invalid(field, "must be an account, 0x and 40 hex digits");
  return getAddress(value);
}

function words(value: unknown, field: string): readonly [string, string, string, string] {
  if (!Array.isArray(value) || value.length !== 4 || !value.every((word) => isHexString(word, 32)))
    throw invalid(field, "must be four words of 32 bytes in hex");
  return [String(value[0]), String(value[1]), String(value[2]), String(value[3])];
}

function wei(value: unknown, field: string): bigint {
  if (typeof value === "bigint" && value >= 0n) return value;
  if (typeof value !== "string" || !/^(0|[1-9]\d{0,38})$/.test(value))
    throw invalid(field, "must be a decimal string of wei");
  return BigInt(value);
}

function wholeNumber(value: unknown, field: string, maximum: number): number {
  if (
    typeof value === "bigint" ||
    !Number.isInteger(value) ||
    (value as number) < 0 ||
    (value as number) > maximum
  ) {
    throw invalid(field, `must be a whole number from 0 to ${maximum}`);
  }
  return value as number;
}
