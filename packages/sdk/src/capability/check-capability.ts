import type { CapabilityClaim } from "@aios/core-capability/capability";
import { drawnIndex, drawSecretHash, drawSeed } from "@aios/core-capability/draw";
import { isInTestSet } from "@aios/core-capability/test-set";
import { decodeEvidence } from "@aios/core-groth16/evidence";
import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { keccak256 } from "@aios/core-keccak/keccak";
import { MAX_HONK_EVIDENCE_BYTES } from "@aios/core-ultra-honk/honk-proof";
import { argmax } from "@aios/core-zkml/evaluator";
import { unpackOutput } from "@aios/core-zkml/output-packing";
import { publicInputs } from "@aios/core-zkml/statement";
import { isCodedError } from "@aios/kernel/coded-error";
import { fromHex, toHex } from "../hex.js";
import type { RpcLog } from "../json-rpc.js";
import { honkEquation, tauG2OnChain } from "../verification/honk-checks.js";
import type { VerificationCheck } from "../verification/verification-report.js";
import {
  type CapabilityChain,
  claimsInterface,
  drawOf,
  proofSystemOf,
  type QuestionContexts,
  questionContexts,
  readClaim,
} from "./capability-contract.js";

interface SubmittedAnswer {
  readonly position: number;
  readonly inputCommitment: bigint;
  readonly label: number;
  readonly path: readonly string[];
  readonly output: bigint;
  readonly evidence: string;
}

/**
 * Checks a claim again from what is in the chain's transactions: that the samples follow from the opened secret and the
 * claim's block, that each answer is the drawn sample of the committed set, its proof by another implementation than the
 * prover's, and the count. Throws `claim-not-found`.
 */
export async function checkCapability(
  chain: CapabilityChain,
  claimId: bigint,
): Promise<readonly VerificationCheck[]> {
  const claim = await readClaim(chain, claimId);
  const logs = await chain.rpc.logs({ address: chain.claims, topics: [null, topicOf(claimId)] });
  return [await checkDraw(chain, claim, logs), await checkAnswers(chain, claim, logs)];
}

async function checkDraw(
  chain: CapabilityChain,
  claim: CapabilityClaim,
  logs: readonly RpcLog[],
): Promise<VerificationCheck> {
  const how =
    "The drawer's secret was read from its transaction and compared with what the draw committed to; hashed again with the claim and the hash of the claim's block it was compared with the seed.";
  const revealed = logs.find((log) => nameOf(log) === "SamplesDrawn");
  if (claim.seed === undefined || revealed === undefined)
    return { name: "draw", ok: undefined, how: "The samples are not drawn yet.", evidence: {} };
  const [arguments_, block, draw] = await Promise.all([
    calldata(chain, revealed.transactionHash, "reveal"),
    chain.rpc.block(claim.blockNumber),
    drawOf(chain, claim.drawId),
  ]);
  const secret = arguments_ === undefined ? undefined : String(arguments_[1]);
  if (secret === undefined || block === null)
    return {
      name: "draw",
      ok: undefined,
      how: "The secret is not in a direct call, so that it cannot be read.",
      evidence: {},
    };
  const seed = drawSeed(claim.claimId, secret, block.hash);
  return {
    name: "draw",
    ok: seed === claim.seed && drawSecretHash(secret) === draw.secretHash && draw.drawer !== claim.owner,
    how,
    evidence: {
      seed: claim.seed,
      recomputed: seed,
      secretHash: drawSecretHash(secret),
      blockHash: block.hash,
    },
  };
}

async function checkAnswers(
  chain: CapabilityChain,
  claim: CapabilityClaim,
  logs: readonly RpcLog[],
): Promise<VerificationCheck> {
  const transactions = new Set(
    logs.filter((log) => nameOf(log) === "QuestionAnswered").map(({ transactionHash }) => transactionHash),
  );
  if (claim.seed === undefined)
    return { name: "answers", ok: undefined, how: "The samples are not drawn yet.", evidence: {} };
  const system = await proofSystemOf(chain, claim);
  const holdsAs = await equationOf(chain, claim, system);
  const contexts = await questionContexts(chain, claim);
  const checked = new Map<number, { readonly holds: boolean; readonly correct: boolean }>();
  for (const hash of transactions) {
    const arguments_ = await calldata(chain, hash, "answer");
    for (const answer of (arguments_?.[1] ?? []) as Iterable<Readonly<Record<string, unknown>>>) {
      const submitted = answerOf(answer);
      if (checked.has(submitted.position)) continue;
      const holds = isRight(claim, submitted, contexts, holdsAs);
      const predicted = holds ? argmax(unpackOutput(submitted.output, claim.classes)) : undefined;
      checked.set(submitted.position, { holds, correct: predicted === submitted.label });
    }
  }
  const found = [...checked.values()];
  const correct = found.filter((answer) => answer.correct).length;
  const agrees = found.every(({ holds }) => holds) && correct === claim.correct;
  return {
    name: "answers",
    ok: checked.size < claim.answered ? undefined : agrees && checked.size === claim.answered,
    how: `Each answer's place in the committed set and its ${SYSTEM_NAMES[system]} proof were checked here for exactly the claim, position, sample and output; then the right ones were counted.`,
    evidence: {
      answered: String(claim.answered),
      checked: String(checked.size),
      correct: String(claim.correct),
      counted: String(correct),
    },
  };
}

const SYSTEM_NAMES = { groth16: "Groth16", ultrahonk: "UltraHonk" } as const;

/** Whether a proof, under the key that came with it, holds for the public inputs. */
type Equation = (verifyingKey: Uint8Array, inputs: readonly bigint[], proof: Uint8Array) => boolean;

async function equationOf(
  chain: CapabilityChain,
  claim: CapabilityClaim,
  system: keyof typeof SYSTEM_NAMES,
): Promise<Equation> {
  if (system === "groth16")
    return (key, inputs, proof) => verify(decodeVerifyingKey(key), inputs, decodeProof(proof));
  const tauG2 = await tauG2OnChain(chain.rpc, claim.verifier);
  return (key, inputs, proof) => honkEquation(tauG2, key, inputs, proof).ok;
}

function isRight(
  claim: CapabilityClaim,
  answer: SubmittedAnswer,
  contexts: QuestionContexts,
  holds: Equation,
): boolean {
  if (claim.seed === undefined) return false;
  const index = drawnIndex(claim.seed, answer.position, claim.testSetSize);
  try {
    if (!isInTestSet(claim.testSetRoot, { ...answer, index }, answer.path)) return false;
    const { verifyingKey, proof } = decodeEvidence(fromHex(answer.evidence), MAX_HONK_EVIDENCE_BYTES);
    if (toHex(keccak256(verifyingKey)) !== contexts.verifyingKeyHash) return false;
    const inputs = publicInputs(contexts.at(answer.position), answer.inputCommitment, answer.output);
    return holds(verifyingKey, inputs, proof);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return false;
  }
}

/** Of a direct call to the claims contract only: what somebody else is called with says nothing about a claim. */
async function calldata(
  chain: CapabilityChain,
  transactionHash: string,
  name: string,
): Promise<readonly unknown[] | undefined> {
  const transaction = await chain.rpc.transaction(transactionHash);
  if (transaction?.to?.toLowerCase() !== chain.claims.toLowerCase()) return undefined;
  const parsed = claimsInterface.parseTransaction({ data: transaction.input });
  return parsed?.name === name ? [...parsed.args] : undefined;
}

function answerOf(answer: Readonly<Record<string, unknown>>): SubmittedAnswer {
  return {
    position: Number(answer["position"]),
    inputCommitment: BigInt(String(answer["inputCommitment"])),
    label: Number(answer["label"]),
    path: [...(answer["path"] as Iterable<string>)],
    output: BigInt(String(answer["output"])),
    evidence: String(answer["evidence"]),
  };
}

function nameOf(log: RpcLog): string | undefined {
  return claimsInterface.parseLog({ topics: [...log.topics], data: log.data })?.name;
}

function topicOf(claimId: bigint): string {
  return `0x${claimId.toString(16).padStart(64, "0")}`;
}
