import { drawCommitment, isDrawn, parseDrawNote } from "@aios/core-settlement/sample-draw";
import type { Job } from "../api-types.js";
import type { JsonRpc } from "../json-rpc.js";
import type { ChainEvidence } from "./chain-evidence.js";
import type { VerificationCheck } from "./verification-report.js";

/** Orders from before draws took a secret have random nonces of 128 bits instead of a commitment. */
const LARGEST_PLAIN_NONCE = (1n << 128n) - 1n;

/**
 * Whether a sampled delivery was left unproven, or proven, by the draw that its order committed to: the secret hashes to
 * the order's nonce, the block is the delivery's, and both give what the platform says.
 */
export async function checkDraw(
  rpc: JsonRpc,
  jobId: string,
  job: Pick<Job, "steps">,
  chain: ChainEvidence,
): Promise<VerificationCheck> {
  const name = "sample-draw";
  const open = (how: string): VerificationCheck => ({ name, ok: undefined, how, evidence: {} });
  const step = job.steps.findLast((one) => one.name === "drawn" || one.name === "not-drawn");
  const delivered = chain.events.findLast((event) => event.parsed.name === "JobDelivered");
  if (delivered === undefined) return open("Nothing has been delivered on chain yet.");
  if (step === undefined) return open("The gateway shows no draw of this delivery.");
  const facts = parseDrawNote(step.note);
  if (facts === undefined) {
    if (step.name === "drawn") return open("The delivery was proven without a draw, as all could be.");
    if (chain.order.nonce <= LARGEST_PLAIN_NONCE) return open("The order commits to no secret for the draw.");
    return { name, ok: false, how: "The delivery was left unproven without showing a draw.", evidence: {} };
  }
  const block = await rpc.block(Number(delivered.log.blockNumber));
  const isCommitted = drawCommitment(facts.secret) === chain.order.nonce;
  const isSaid = isDrawn(jobId, facts) === (step.name === "drawn");
  return {
    name,
    ok: isCommitted && isSaid && block?.hash.toLowerCase() === facts.blockHash,
    how: "The draw was computed here again from the secret that the signed order commits to and the block that holds the delivery. The share is the platform's word: compare it with the quote.",
    evidence: {
      draw: step.name,
      secret: facts.secret,
      block: facts.blockHash,
      share: `${facts.shareBps} of 10,000`,
    },
  };
}
