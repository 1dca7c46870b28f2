import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { decodeEvidence } from "@aios/core-groth16/evidence";
import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { deliveryTypedData } from "@aios/core-settlement/order-digest";
import { signerOf } from "@aios/core-settlement/signed-data";
import { type SigningDomain, signingDomain } from "@aios/core-settlement/typed-data";
import { MAX_HONK_EVIDENCE_BYTES } from "@aios/core-ultra-honk/honk-proof";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { publicInputs, STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { isCodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import { keccak256 } from "ethers/crypto";
import type { Protocol, Verification } from "../api-types.js";
import { fromHex, toHex, toHex32 } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import { contractAddress } from "../typed-data-review.js";
import { verificationBy } from "../verifier-contracts.js";
import type { ChainEvidence } from "./chain-evidence.js";
import type { VerificationCheck, VerifyJobOptions } from "./verification-report.js";

const licence = new Interface(licenceAbi);
/** `abi.encode(bytes verifyingKey, bytes proof)` in its one form; UltraHonk's is longer. */
const GROTH16_EVIDENCE_BYTES = 1_088;

interface OnChainModel {
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string;
}

/** Commitment and key hash that the model was published with, read from the contract. */
async function modelOnChain(
  rpc: JsonRpc,
  protocol: Protocol,
  modelId: bigint,
  statement: "statementOf" | "honkStatementOf",
): Promise<OnChainModel> {
  const data = licence.encodeFunctionData(statement, [modelId]);
  const answer = await rpc.ethCall(contractAddress(protocol, "ModelLicence"), data);
  const [modelCommitment, verifyingKeyHash] = licence.decodeFunctionResult(statement, answer);
  return { modelCommitment: String(modelCommitment), verifyingKeyHash: String(verifyingKeyHash) };
}

/**
 * The proof, from what the settling transaction carried: key, statement, equation. For a job bought with a proof or a
 * replica nothing else shows that it was settled by one: where that cannot be read, the check stays open and says why.
 */
export async function* checkProof(
  rpc: JsonRpc,
  protocol: Protocol,
  jobId: string,
  chain: ChainEvidence,
): AsyncGenerator<VerificationCheck> {
  const { order, delivery, settlement } = chain;
  const way = verificationBy(protocol, order.verifier);
  if (settlement?.evidence === undefined || delivery === undefined || way === undefined || way === "none") {
    yield withoutEvidence(way, chain);
    return;
  }
  if (!isProof(settlement.evidence)) {
    yield withoutProof(protocol, way, jobId, chain, settlement.evidence);
    return;
  }
  const isHonk = way === "honk";
  const model = await modelOnChain(rpc, protocol, order.modelId, isHonk ? "honkStatementOf" : "statementOf");
  const { verifyingKey, proof } = decodeEvidence(fromHex(settlement.evidence), MAX_HONK_EVIDENCE_BYTES);
  const keyHash = keccak256(verifyingKey);
  yield {
    name: "verifying-key",
    ok: keyHash === model.verifyingKeyHash,
    how: "The verifying key in the settling transaction hashes to what the model was published with on chain.",
    evidence: { modelId: order.modelId.toString(), onChain: model.verifyingKeyHash, used: keyHash },
  };
  const escrow = contractAddress(protocol, "JobEscrow");
  const context = statementContext({
    version: STATEMENT_VERSION,
    chainId: protocol.chainId,
    escrow,
    jobId,
    requester: order.buyer,
    modelCommitment: fromHex(model.modelCommitment),
    verifyingKeyHash: fromHex(model.verifyingKeyHash),
  });
  yield {
    name: "statement",
    ok: true,
    how: "The proof's first public input was computed here from chain, escrow, job, buyer, model commitment and key hash.",
    evidence: { context: toHex32(context), modelCommitment: model.modelCommitment, escrow },
  };
  const inputs = publicInputs(context, BigInt(order.inputCommitment), delivery.output);
  yield {
    name: "proof",
    ...(isHonk
      ? await honkProofEquation(rpc, order.verifier, verifyingKey, proof, inputs)
      : proofEquation(verifyingKey, proof, inputs)),
    evidence: {
      proof: toHex(proof),
      output: toHex32(delivery.output),
      transaction: settlement.transactionHash,
    },
  };
}

/** Whether a settlement by this way needs evidence that speaks for the output: nothing else could have settled it. */
function needsEvidence(way: Verification): boolean {
  return way === "proof" || way === "honk" || way === "replicate";
}

/** The check that a settled job of this kind is not verified without; undefined where it was not bought with one. */
export function neededEvidenceCheck({ settlement }: ChainEvidence, way: Verification): string | undefined {
  if (way === "replicate") return isProof(settlement?.evidence ?? "0x") ? "proof" : "replica";
  // A sampled delivery that time made final was judged by nothing.
  const isJudged = settlement?.action === "verify-final" && settlement.evidence !== "0x";
  return needsEvidence(way) || (way === "sample" && isJudged) ? "proof" : undefined;
}

function withoutEvidence(
  way: Verification | undefined,
  { order, delivery, settlement }: ChainEvidence,
): VerificationCheck {
  const name = way === "replicate" ? "replica" : "proof";
  const open = (how: string): VerificationCheck => ({
    name,
    ok: undefined,
    how,
    evidence: { verifier: order.verifier },
  });
  if (way === undefined) return open("What the order's verifier asks for is not known here.");
  if (way === "none") return open(`This job was ordered without a proof: ${BY_WORD_OR_TIME}`);
  if (settlement === undefined) return open("No transaction has settled this job yet.");
  if (settlement.unreadable !== undefined)
    return open(`What settled this job cannot be read. ${settlement.unreadable}`);
  if (delivery === undefined) return open("No delivery is shown that the evidence could be about.");
  if (!needsEvidence(way)) return open(`This sampled delivery was not proven: ${BY_WORD_OR_TIME}`);
  const how = `This job was bought with ${way === "replicate" ? "a second provider's agreement" : "a proof"}, and the event that settled it names none.`;
  return { ...open(how), ok: false };
}

const BY_WORD_OR_TIME = "it is final by the buyer's acceptance or the end of the challenge window.";

/** Evidence that carries a key and a proof, not a second provider's signature or nothing. */
export function isProof(evidence: string): boolean {
  return (evidence.length - 2) / 2 >= GROTH16_EVIDENCE_BYTES;
}

/** A sampled delivery that was not proven, or two providers' agreement: then the second signature is checked here. */
function withoutProof(
  protocol: Protocol,
  way: Verification,
  jobId: string,
  { delivery, deliverySignature, events }: ChainEvidence,
  evidence: string,
): VerificationCheck {
  if (way === "sample" && evidence === "0x")
    return {
      name: "proof",
      ok: undefined,
      how: `This sampled delivery was not proven: ${BY_WORD_OR_TIME}`,
      evidence: {},
    };
  if (way !== "replicate")
    return {
      name: "proof",
      ok: false,
      how: "What the settling transaction carried is too short for a proof.",
      evidence: { evidence },
    };
  const how =
    "The second provider, whom the lease names, signed a delivery of the same output for this job; its signature was recovered here. The escrow asked that it has a stake.";
  if (delivery === undefined || deliverySignature === undefined)
    return { name: "replica", ok: false, how, evidence: {} };
  const domain = signingDomain(protocol.chainId, contractAddress(protocol, "JobEscrow"));
  const provider = signerOf(deliveryTypedData(domain, delivery), deliverySignature);
  const replica = replicaOf(domain, jobId, delivery, evidence);
  const lease = events.findLast((event) => event.parsed.name === "JobLeased");
  const named = String(lease?.parsed.args.prover ?? "").toLowerCase();
  const ok = replica !== undefined && replica !== provider && replica === named;
  return {
    name: "replica",
    ok,
    how,
    evidence: {
      replica: replica ?? "none",
      named,
      provider: provider ?? "none",
      output: toHex32(delivery.output),
    },
  };
}

/** Token, receipt hash, r, s, v: 32 bytes each; see `ReplicatedResultVerifier.sol`. */
function replicaOf(
  domain: SigningDomain,
  jobId: string,
  { output }: NonNullable<ChainEvidence["delivery"]>,
  evidence: string,
): string | undefined {
  const words = fromHex(evidence);
  if (words.length !== 5 * 32) return undefined;
  const word = (index: number): string => toHex(words.subarray(index * 32, (index + 1) * 32));
  const signed = deliveryTypedData(domain, {
    jobId,
    fencingToken: BigInt(word(0)),
    output,
    outputHash: keccak256(toHex32(output)),
    receiptHash: word(1),
  });
  return signerOf(signed, `${word(2)}${word(3).slice(2)}${word(4).slice(-2)}`);
}

/** Its verifier is an EVM and a contract in it: loaded by whoever has such a proof, and by nobody else. */
async function honkProofEquation(
  rpc: JsonRpc,
  verifier: string,
  verifyingKey: Uint8Array,
  proof: Uint8Array,
  inputs: readonly bigint[],
): Promise<Pick<VerificationCheck, "ok" | "how">> {
  const { honkEquation, tauG2OnChain } = await import("./honk-checks.js");
  return honkEquation(await tauG2OnChain(rpc, verifier), verifyingKey, inputs, proof);
}

function proofEquation(
  verifyingKey: Uint8Array,
  proof: Uint8Array,
  inputs: readonly bigint[],
): Pick<VerificationCheck, "ok" | "how"> {
  const how =
    "Groth16 over BN254, verified here by @noble/curves for exactly this statement, input commitment and output.";
  try {
    return { ok: verify(decodeVerifyingKey(verifyingKey), inputs, decodeProof(proof)), how };
  } catch (error) {
    return { ok: false, how: isCodedError(error) ? error.message : how };
  }
}

/** Whether the committed input is the one that the buyer knows. */
export function checkInput(chain: ChainEvidence, options: VerifyJobOptions): VerificationCheck {
  const { inputCommitment: committed } = chain.order;
  if (options.input === undefined || options.inputSalt === undefined) {
    return {
      name: "input",
      ok: undefined,
      how: "The input stays hidden: only who has it and its salt can open the commitment.",
      evidence: { committed },
    };
  }
  const opened = toHex32(inputCommitment(options.input, options.inputSalt));
  return {
    name: "input",
    ok: opened === committed,
    how: "Input and salt were committed to again here, and compared with the order on chain.",
    evidence: { committed, opened },
  };
}
