import { CodedError } from "@aios/kernel/coded-error";
import { WEI_PER_AIOS } from "@aios/kernel/units";
import { getAddress, isAddress } from "ethers";

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
  /** Wrapped AIOS that accounts start with, wrapped once from the deployer's native coins. */
  readonly initialWrappedBalances: readonly { readonly account: string; readonly amountWei: bigint }[];
}

export const PARAMETER_DEFAULTS = {
  minimumStakeWei: 1_000n * WEI_PER_AIOS,
  unbondDelaySeconds: 7 * 24 * 3600,
  protocolFeeBps: 500,
  minimumRoyaltyBps: 500,
  maximumRoyaltyBps: 1500,
  challengeWindowSeconds: 600,
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
  const integer = (name: keyof typeof PARAMETER_DEFAULTS & string, maximum: number) =>
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
