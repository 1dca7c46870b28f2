import { MAX_AMOUNT_WEI } from "@aios/core-settlement/splits";
import { CodedError } from "@aios/kernel/coded-error";
import { bytes32 } from "@aios/kernel/identifiers";
import { weiAmount } from "@aios/kernel/units";
import type { KeyCeremony, ModelTerms, ProofSystem } from "./model.js";

export const MIN_ROYALTY_BPS = 500;
export const MAX_ROYALTY_BPS = 1_500;
/** Taken where the owner names none. */
export const DEFAULT_ROYALTY_BPS = 700;
const MAX_NAME_LENGTH = 100;
const MAX_DESCRIPTION_LENGTH = 2_000;
const MAX_CID_LENGTH = 128;
const MAX_REPORT_LENGTH = 64 * 1_024;

export interface RequestedTerms {
  readonly name: string;
  readonly description: string;
  readonly contentCid: string;
  readonly modelCommitmentHex: string;
  readonly licencePriceWei: string;
  /** 0 = the default. */
  readonly royaltyBps: number;
  readonly usageFeeWei: string;
  readonly reportJson: string;
}

/**
 * Checks an owner's terms (royalties 5–15%, 7% where none is named). Throws `invalid-text`,
 * `invalid-hex`, `invalid-unit`, `royalty-out-of-range`, `amount-out-of-range` or `invalid-report`, each with its field.
 */
export function modelTerms(requested: RequestedTerms): ModelTerms {
  requireLength(requested.name.trim(), 1, MAX_NAME_LENGTH, "name");
  requireLength(requested.description, 0, MAX_DESCRIPTION_LENGTH, "description");
  requireLength(requested.contentCid, 1, MAX_CID_LENGTH, "contentCid");
  requireLength(requested.reportJson, 0, MAX_REPORT_LENGTH, "reportJson");
  requireJson(requested.reportJson);
  const royaltyBps = requested.royaltyBps === 0 ? DEFAULT_ROYALTY_BPS : requested.royaltyBps;
  if (!Number.isInteger(royaltyBps) || royaltyBps < MIN_ROYALTY_BPS || royaltyBps > MAX_ROYALTY_BPS) {
    throw new CodedError({
      code: "royalty-out-of-range",
      kind: "unprocessable",
      message: `The royalty must be ${MIN_ROYALTY_BPS} to ${MAX_ROYALTY_BPS} basis points.`,
      field: "royaltyBps",
      details: { minimumBps: MIN_ROYALTY_BPS, maximumBps: MAX_ROYALTY_BPS },
    });
  }
  return {
    name: requested.name.trim(),
    description: requested.description,
    contentCid: requested.contentCid,
    modelCommitment: bytes32(requested.modelCommitmentHex, "modelCommitment"),
    licencePriceWei: amount(requested.licencePriceWei, "licencePriceWei"),
    royaltyBps,
    usageFeeWei: amount(requested.usageFeeWei, "usageFeeWei"),
    reportJson: requested.reportJson,
  };
}

/** Checks the names of a ceremony's contents. Throws `invalid-text` with the field. */
export function keyCeremony(given: KeyCeremony | undefined): KeyCeremony | undefined {
  if (given === undefined) return undefined;
  const { transcriptCid, provingKeyCid, powersCid } = given;
  for (const [name, cid] of Object.entries({ transcriptCid, provingKeyCid, powersCid }))
    requireLength(cid, 1, MAX_CID_LENGTH, `ceremony.${name}`);
  return { transcriptCid, provingKeyCid, powersCid };
}

const PROOF_SYSTEMS: readonly ProofSystem[] = ["groth16", "honk"];

/** Groth16, and what is named besides. Throws `unknown-proof-system`. */
export function proofSystems(named: readonly string[]): ReadonlySet<ProofSystem> {
  const unknown = named.find((name) => !PROOF_SYSTEMS.some((system) => system === name));
  if (unknown === undefined) return new Set<ProofSystem>(["groth16", ...(named as readonly ProofSystem[])]);
  throw new CodedError({
    code: "unknown-proof-system",
    kind: "unprocessable",
    message: `proofSystems must be among ${PROOF_SYSTEMS.join(", ")}.`,
    field: "proofSystems",
  });
}

function amount(text: string, field: string): bigint {
  const wei = weiAmount(text === "" ? "0" : text, field);
  if (wei <= MAX_AMOUNT_WEI) return wei;
  throw new CodedError({
    code: "amount-out-of-range",
    kind: "unprocessable",
    message: `${field} must be at most 2^128 - 1 wei.`,
    field,
  });
}

function requireLength(text: string, minimum: number, maximum: number, field: string): void {
  if (text.length >= minimum && text.length <= maximum) return;
  throw new CodedError({
    code: "invalid-text",
    kind: "unprocessable",
    message: `${field} must have ${minimum} to ${maximum} characters.`,
    field,
  });
}

function requireJson(text: string): void {
  if (text === "") return;
  try {
    JSON.parse(text);
  } catch (error) {
    throw new CodedError({
      code: "invalid-report",
      kind: "unprocessable",
      message: "reportJson must be JSON.",
      field: "reportJson",
      cause: error,
    });
  }
}
