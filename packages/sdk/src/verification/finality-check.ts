import { type HonorSet, honorKeysOf, honorSetId, requireHonorSet } from "@aios/core-committee/honor-set";
import { blsSignatures } from "@aios/core-finality/bls-signatures";
import { verifyCertificate } from "@aios/core-finality/certificate";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { quorumOf } from "@aios/core-finality/quorum";
import { isCodedError } from "@aios/kernel/coded-error";
import { fromHex } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import type { ChainEvidence } from "./chain-evidence.js";
import type { VerificationCheck } from "./verification-report.js";

/** What finality of the settlement rests on, checked, and whom it leaves to trust. */
export interface Finality {
  readonly check: VerificationCheck;
  /** The state that a verified certificate attests; absent where the check did not hold. */
  readonly certified?: CertifiedState;
  readonly trust: string;
}

/** The state after the block of a height. */
export interface CertifiedState {
  readonly height: number;
  readonly stateRoot: string;
}

interface HonorSetAnswer {
  readonly signingChainId: string;
  readonly number: string;
  readonly id: string;
  readonly members: readonly { readonly account: string; readonly publicKey: string }[];
}

interface DecisionAnswer {
  readonly checkpoint: Readonly<Record<keyof Checkpoint, string>>;
  readonly certificate: { readonly round: string; readonly signers: string; readonly signature: string };
}

/**
 * On a chain of honor nodes: whether a quorum of the set has signed the state after the settling block, verified here as a
 * light client does, with BLS12-381 signatures. Undefined where one node makes the blocks, or nothing has settled.
 */
export async function checkFinality(
  rpc: JsonRpc,
  { settlement }: ChainEvidence,
): Promise<Finality | undefined> {
  if (settlement === undefined) return undefined;
  const answer = await rpc.call<HonorSetAnswer>("aios_getHonorSet").catch(notAnHonorChain);
  if (answer === undefined) return undefined;
  const set = honorSetOf(answer);
  if (set === undefined) {
    const how = "What the gateway names as the honor set is none.";
    return {
      check: { name: "finality", ok: false, how, evidence: {} },
      trust: "Nobody: there is no honor set.",
    };
  }
  const size = set.members.length;
  const trust = `The honor set of ${size}: that at least ${quorumOf(size).quorum} of them are honest. Who they are was read from this gateway; compare set ${honorSetId(set)} with the chain's genesis.`;
  const [block, decision] = await Promise.all([
    rpc.block(settlement.blockNumber),
    // The state after a checkpoint is attested by the next one.
    rpc.call<DecisionAnswer | null>("aios_getCertificate", [
      `0x${(settlement.blockNumber + 1).toString(16)}`,
    ]),
  ]);
  if (block === null || decision === null) {
    const how = "No certificate attests the state after the settling block yet.";
    return { check: { name: "finality", ok: undefined, how, evidence: {} }, trust };
  }
  const settled = { height: settlement.blockNumber, stateRoot: block.stateRoot };
  const check = judged(answer.signingChainId, set, settled, decision);
  return { check, trust, ...(check.ok === true ? { certified: settled } : {}) };
}

function judged(
  signingChainId: string,
  set: HonorSet,
  { height, stateRoot }: CertifiedState,
  decision: DecisionAnswer,
): VerificationCheck {
  const checkpoint = checkpointOf(decision.checkpoint);
  const { round, signers, signature } = decision.certificate;
  const certificate = {
    height: checkpoint.height,
    round: Number(round),
    checkpointId: checkpointId(checkpoint),
    signers: fromHex(signers),
    signature: fromHex(signature),
  };
  const evidence = {
    honorSet: honorSetId(set),
    checkpoint: certificate.checkpointId,
    signers,
    attestedRoot: `0x${checkpoint.attestedRoot}`,
    stateRoot,
  };
  const name = "finality";
  if (checkpoint.height !== height + 1 || `0x${checkpoint.attestedRoot}` !== stateRoot) {
    const how = "The certificate attests another state than the settling block's.";
    return { name, ok: false, how, evidence };
  }
  try {
    verifyCertificate(blsSignatures, honorKeysOf(signingChainId, set), certificate);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { name, ok: false, how: error.message, evidence };
  }
  const how =
    "A quorum of the honor set signed the state after the settling block: the certificate was verified here, as a light client does.";
  return { name, ok: true, how, evidence };
}

function notAnHonorChain(error: unknown): undefined {
  if (isCodedError(error) && error.code === "json-rpc-error") return undefined;
  throw error;
}

function honorSetOf({ number, members }: HonorSetAnswer): HonorSet | undefined {
  const set = {
    number: Number(number),
    members: members.map(({ account, publicKey }) => ({ account, publicKey: publicKey.slice(2) })),
  };
  try {
    requireHonorSet(set);
    return set;
  } catch (error) {
    if (isCodedError(error)) return undefined;
    throw error;
  }
}

function checkpointOf(fields: DecisionAnswer["checkpoint"]): Checkpoint {
  return {
    height: Number(fields.height),
    parentId: fields.parentId,
    parentRound: Number(fields.parentRound),
    tip: fields.tip,
    tick: Number(fields.tick),
    attestedRoot: fields.attestedRoot.slice(2),
    nextSetId: fields.nextSetId,
  };
}
