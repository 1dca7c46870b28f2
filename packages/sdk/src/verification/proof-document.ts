import type { TauG2 } from "@aios/contracts/honk-verification";
import { decodeTranscript, encodeTranscript, MAX_TRANSCRIPT_BYTES } from "@aios/core-groth16/ceremony-codec";
import { ceremonyTrust, isKeyOfTranscript, KEY_POINTS_UNCHECKED } from "@aios/core-groth16/ceremony-trust";
import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { statementContext } from "@aios/core-zkml/statement";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { keccak256 } from "ethers/crypto";
import { fromHex, toHex, toHex32 } from "../hex.js";
import type { KeyOrigin } from "./key-origin.js";
import type { VerificationCheck } from "./verification-report.js";

/** Larger files are not looked at. A key and a proof are one KiB; a transcript has a limit of its own. */
export const MAX_PROOF_DOCUMENT_BYTES = MAX_TRANSCRIPT_BYTES + 64 * 1024;
const FORMAT = "aios-proof-1";
const GROTH16 = "groth16-bn254";
const HONK = "ultrahonk-bn254";
const WORD_BYTES = 32;
/** Context, input commitment, output. */
const PUBLIC_INPUTS = 3;

/** What the first public input is a hash of: without it the proof holds, but says less. */
export interface ProofStatement {
  readonly version: number;
  readonly chainId: number;
  readonly escrow: string;
  readonly jobId: string;
  readonly requester: string;
  readonly modelCommitment: string;
}

/** A proof with all that it takes to verify it, as one JSON file. Bytes are 0x hex. */
export interface ProofDocument {
  readonly format: typeof FORMAT;
  readonly system: typeof GROTH16 | typeof HONK;
  /** As the proof system encodes it. */
  readonly verifyingKey: string;
  /** Under Groth16 256 bytes. */
  readonly proof: string;
  /** Of UltraHonk's reference string, as EIP-197 orders it; absent under Groth16. */
  readonly tauG2?: TauG2;
  /** Context, input commitment and output, 32 bytes each. */
  readonly publicInputs: readonly string[];
  readonly statement?: ProofStatement;
  /** The transcript of the key's ceremony, as `encodeTranscript`; absent for a development key. */
  readonly transcript?: string;
}

export interface ProofReading {
  /** True when the proof holds and what the file says about it does. */
  readonly ok: boolean;
  readonly checks: readonly VerificationCheck[];
  /** What the proof says, in sentences; none where it does not hold. */
  readonly says: readonly string[];
  /** What had to be trusted all the same. */
  readonly trusted: readonly string[];
}

/** The document as a file's text; of a Groth16 proof unless it names another system. */
export function encodeProofDocument(
  document: Omit<ProofDocument, "format" | "system"> & Partial<Pick<ProofDocument, "system">>,
): string {
  return `${JSON.stringify({ format: FORMAT, system: GROTH16, ...document }, undefined, 2)}\n`;
}

function malformed(field: string): CodedError {
  return new CodedError({
    code: "malformed-proof-document",
    kind: "invalid",
    message: `This is no proof that can be read here: ${field} is missing or malformed.`,
    field,
  });
}

/** Inverse of `encodeProofDocument`; checks form only. Throws `malformed-proof-document` naming the field. */
export function decodeProofDocument(text: string): ProofDocument {
  if (text.length > MAX_PROOF_DOCUMENT_BYTES) throw malformed("the file");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("the file");
  }
  const members = objectOf(value, "the file");
  if (members["format"] !== FORMAT) throw malformed("format");
  const { system } = members;
  if (system !== GROTH16 && system !== HONK) throw malformed("system");
  const inputs = members["publicInputs"];
  if (!Array.isArray(inputs) || inputs.length !== PUBLIC_INPUTS) throw malformed("publicInputs");
  const { statement, transcript } = members;
  if (transcript !== undefined && typeof transcript !== "string") throw malformed("transcript");
  return {
    format: FORMAT,
    system,
    verifyingKey: hexOf(members["verifyingKey"], "verifyingKey"),
    proof: hexOf(members["proof"], "proof", system === GROTH16 ? 256 : undefined),
    ...(system === HONK ? { tauG2: tauG2Of(members["tauG2"]) } : {}),
    publicInputs: inputs.map((input, index) => hexOf(input, `publicInputs[${index}]`, 32)),
    ...(statement === undefined ? {} : { statement: statementOf(statement) }),
    ...(transcript === undefined ? {} : { transcript }),
  };
}

function tauG2Of(value: unknown): TauG2 {
  if (!Array.isArray(value) || value.length !== 4) throw malformed("tauG2");
  const [xi, xr, yi, yr] = value.map((word, at) => hexOf(word, `tauG2[${at}]`, WORD_BYTES));
  return [xi, xr, yi, yr] as unknown as TauG2;
}

function objectOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(field);
  return value as Readonly<Record<string, unknown>>;
}

function hexOf(value: unknown, field: string, bytes?: number): string {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2}){1,16384}$/.test(value)) throw malformed(field);
  if (bytes !== undefined && value.length !== 2 + 2 * bytes) throw malformed(field);
  return value.toLowerCase();
}

function statementOf(value: unknown): ProofStatement {
  const members = objectOf(value, "statement");
  const integer = (name: string): number => {
    const given = members[name];
    if (typeof given !== "number" || !Number.isSafeInteger(given) || given < 0)
      throw malformed(`statement.${name}`);
    return given;
  };
  return {
    version: integer("version"),
    chainId: integer("chainId"),
    escrow: hexOf(members["escrow"], "statement.escrow", 20),
    jobId: hexOf(members["jobId"], "statement.jobId", 32),
    requester: hexOf(members["requester"], "statement.requester", 20),
    modelCommitment: hexOf(members["modelCommitment"], "statement.modelCommitment", 32),
  };
}

/**
 * Verifies a proof from nothing but its file: no platform, no chain, no network. Works in Node and in browsers. Says in
 * words what the proof shows and what is left to trust; a proof that does not hold says nothing. Never throws for a
 * document that `decodeProofDocument` gave.
 */
export async function readProof(document: ProofDocument): Promise<ProofReading> {
  const { statement, transcript } = document;
  const inputs = document.publicInputs.map((input) => BigInt(input));
  const [context, commitment, output] = inputs as [bigint, bigint, bigint];
  const keyHash = keccak256(document.verifyingKey);
  const checks: VerificationCheck[] = [await equation(document, inputs, keyHash)];
  if (statement !== undefined) checks.push(statementCheck(statement, context, keyHash));
  const origin =
    document.tauG2 === undefined
      ? keyOriginOf(document.verifyingKey, transcript)
      : { ...(await honkChecks()).honkKeyOrigin(document.tauG2), check: undefined };
  if (origin.check !== undefined) checks.push(origin.check);
  const ok = checks.every((check) => check.ok !== false);
  return {
    ok,
    checks,
    says: ok ? sentences(statement, commitment, output) : [],
    trusted: [
      `The verifying key ${keyHash}: ${origin.trust}.`,
      ...origin.unchecked,
      "That this key belongs to the model: compare its hash with what the model was published with on chain.",
      ...(document.tauG2 === undefined
        ? []
        : [
            "That the chain's verifier has the reference string named here: compare its tau·G2 with the contract's.",
          ]),
      "The circuit: that it says what the model computes.",
    ],
  };
}

/** An EVM with the verifier's contract, which a Groth16 proof does without. */
const honkChecks = () => import("./honk-checks.js");

async function equation(
  { verifyingKey, proof, tauG2 }: ProofDocument,
  inputs: readonly bigint[],
  keyHash: string,
): Promise<VerificationCheck> {
  const base = { name: "proof", evidence: { verifyingKeyHash: keyHash } };
  if (tauG2 !== undefined) {
    const { honkEquation } = await honkChecks();
    return { ...base, ...honkEquation(tauG2, fromHex(verifyingKey), inputs, fromHex(proof)) };
  }
  const how = "Groth16 over BN254, verified here for exactly these public values.";
  try {
    const ok = verify(decodeVerifyingKey(fromHex(verifyingKey)), inputs, decodeProof(fromHex(proof)));
    return { ...base, ok, how };
  } catch (error) {
    return { ...base, ok: false, how: isCodedError(error) ? error.message : how };
  }
}

function statementCheck(statement: ProofStatement, context: bigint, keyHash: string): VerificationCheck {
  const how =
    "The first public value was computed here again from version, chain, escrow, job, requester, model and key.";
  try {
    const computed = statementContext({
      ...statement,
      modelCommitment: fromHex(statement.modelCommitment),
      verifyingKeyHash: fromHex(keyHash),
    });
    const evidence = { given: toHex32(context), computed: toHex32(computed) };
    return { name: "statement", ok: computed === context, how, evidence };
  } catch (error) {
    const message = isCodedError(error) ? error.message : how;
    return { name: "statement", ok: false, how: message, evidence: { given: toHex32(context) } };
  }
}

function keyOriginOf(
  verifyingKey: string,
  transcript: string | undefined,
): Pick<KeyOrigin, "trust" | "unchecked"> & { readonly check: VerificationCheck | undefined } {
  if (transcript === undefined)
    return {
      check: undefined,
      trust: "forgeable by whoever made it, and who that was is not in this file",
      unchecked: [],
    };
  const how =
    "Every contribution of the key's ceremony was checked here, and the last one ends in this key. That the key's other points follow from circuit and powers of tau was not checked here.";
  try {
    const read = decodeTranscript(transcript);
    const trust = ceremonyTrust(read);
    if (!isKeyOfTranscript(read, decodeVerifyingKey(fromHex(verifyingKey)))) return foreign(NOT_ITS_END);
    const check = { name: "key-origin", ok: undefined, how, evidence: { trust } };
    return { check, trust, unchecked: [KEY_POINTS_UNCHECKED] };
  } catch (error) {
    return foreign(isCodedError(error) ? error.message : NOT_ITS_END);
  }
}

function foreign(how: string): KeyOrigin {
  return {
    check: { name: "key-origin", ok: false, how, evidence: {} },
    trust: FOREIGN_TRANSCRIPT,
    unchecked: [],
  };
}

const NOT_ITS_END = "The ceremony's last contribution does not end in this key.";

const FOREIGN_TRANSCRIPT = "forgeable by whoever made it: the transcript in this file is not this key's";

function sentences(
  statement: ProofStatement | undefined,
  commitment: bigint,
  output: bigint,
): readonly string[] {
  const result = `gave the output ${toHex32(output)} for the input that is committed to as ${toHex32(commitment)}`;
  if (statement === undefined)
    return [
      `A model ${result}. Which model, for which job and whom, is hashed into the first public value and not in this file.`,
    ];
  const { modelCommitment, jobId, requester, chainId, escrow } = statement;
  return [
    `The model with commitment ${modelCommitment} ${result}.`,
    `It was computed for job ${jobId} of ${requester}, on chain ${chainId}, in the escrow ${escrow}; it proves nothing for any other.`,
    "The input itself stays hidden: only who has it and its salt can open the commitment.",
  ];
}

/** The transcript of a ceremony as it stands in a document. Throws `malformed-ceremony`. */
export function transcriptText(bytes: Uint8Array): string {
  return encodeTranscript(decodeTranscript(new TextDecoder().decode(bytes)));
}

/** What a document carries of evidence as the escrow takes it. */
export function documentBytes(
  verifyingKey: Uint8Array,
  proof: Uint8Array,
): Pick<ProofDocument, "verifyingKey" | "proof"> {
  return { verifyingKey: toHex(verifyingKey), proof: toHex(proof) };
}
