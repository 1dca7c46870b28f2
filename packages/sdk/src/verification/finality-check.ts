import { DEFAULT_CHAIN_TIME } from "@aios/core-committee/chain-time";
import { type HonorSet, honorSetId, requireHonorSet } from "@aios/core-committee/honor-set";
import { type CertifiedCheckpoint, LightClient } from "@aios/core-committee/light-client";
import { blsSignatures } from "@aios/core-finality/bls-signatures";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { quorumOf } from "@aios/core-finality/quorum";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
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

interface SetAnswer {
  readonly number: string;
  readonly members: readonly { readonly account: string; readonly publicKey: string }[];
}

interface HonorSetAnswer extends SetAnswer {
  readonly signingChainId: string;
}

interface DecisionAnswer {
  readonly checkpoint: Readonly<Record<Exclude<keyof Checkpoint, "attestedDag">, string>> & {
    readonly attestedDag?: string;
  };
  readonly certificate: { readonly round: string; readonly signers: string; readonly signature: string };
  readonly nextSet?: SetAnswer | null;
}

const FIRST_SET = "0x0";
const METHOD_NOT_FOUND = -32_601;
/** All sets are trusted whatever their age, as the report says: when they sat does not matter. */
const TIMELESS = { ...DEFAULT_CHAIN_TIME, genesisTimeMs: 0 };
/** No chain had as many learning cycles: a gateway that goes on naming sets is not followed for ever. */
const MAX_HAND_OVERS = 100_000;

/**
 * On a chain of honor nodes: whether a quorum of the set of its height has signed the state after the settling block,
 * verified here as a light client does, with BLS12-381 signatures: from the first set on, by every hand-over up to that
 * height. Undefined where one node makes the blocks, or nothing has settled.
 */
export async function checkFinality(
  rpc: JsonRpc,
  { settlement }: ChainEvidence,
): Promise<Finality | undefined> {
  if (settlement === undefined) return undefined;
  const answer = await rpc.call<HonorSetAnswer>("aios_getHonorSet", [FIRST_SET]).catch(notAnHonorChain);
  if (answer === undefined) return undefined;
  const first = honorSetOf(answer);
  if (first === undefined)
    return {
      check: failed("What the gateway names as the honor set is none.", {}),
      trust: "Nobody: there is no honor set.",
    };
  const size = first.members.length;
  const trust = `The first honor set, of ${size}, and each that it handed over to: that at least ${quorumOf(size).quorum} of ${size} were honest, and stayed so with the keys of their time. Who they are was read from this gateway; compare set ${honorSetId(first)} with the chain's genesis.`;
  const certifying = settlement.blockNumber + 1;
  const [block, decision] = await Promise.all([
    rpc.block(settlement.blockNumber),
    // The state after a checkpoint is attested by the next one.
    rpc.call<DecisionAnswer | null>("aios_getCertificate", [quantity(certifying)]),
  ]);
  if (block === null || decision === null) {
    const how = "No certificate attests the state after the settling block yet.";
    return { check: { name: "finality", ok: undefined, how, evidence: {} }, trust };
  }
  const settled = { height: settlement.blockNumber, stateRoot: block.stateRoot };
  const client = new LightClient(
    {
      chainId: answer.signingChainId,
      time: TIMELESS,
      scheme: blsSignatures,
      trustPeriodMs: Number.MAX_VALUE,
    },
    { set: first, fromHeight: 1, fromTick: 0 },
  );
  const check = await judged(rpc, client, settled, decision);
  return { check, trust, ...(check.ok === true ? { certified: settled } : {}) };
}

async function judged(
  rpc: JsonRpc,
  client: LightClient,
  { height, stateRoot }: CertifiedState,
  decision: DecisionAnswer,
): Promise<VerificationCheck> {
  const certified = certifiedOf(decision);
  const { checkpoint } = certified;
  const evidence = {
    checkpoint: checkpointId(checkpoint),
    signers: decision.certificate.signers,
    attestedRoot: `0x${checkpoint.attestedRoot}`,
    stateRoot,
  };
  if (checkpoint.height !== height + 1 || `0x${checkpoint.attestedRoot}` !== stateRoot)
    return failed("The certificate attests another state than the settling block's.", evidence);
  try {
    await follow(rpc, client, checkpoint.height);
    client.verify(certified, 0);
  } catch (error) {
    if (!isCodedError(error) || error.code === "json-rpc-error") throw error;
    return failed(error.message, evidence);
  }
  const { set } = client.setOf(checkpoint.height);
  const how = `A quorum of honor set ${set.number} signed the state after the settling block: the certificate was verified here, as a light client does, and ${set.number} hand-overs from the first set before it.`;
  return { name: "finality", ok: true, how, evidence: { ...evidence, honorSet: honorSetId(set) } };
}

/** Follows every hand-over up to a height, its own included. Throws what the light client refuses. */
async function follow(rpc: JsonRpc, client: LightClient, height: number): Promise<void> {
  for (let number = 1; number <= MAX_HAND_OVERS; ) {
    const page = await rpc.call<readonly DecisionAnswer[]>("aios_getHandOvers", [quantity(number)]);
    for (const answer of page) {
      const certified = certifiedOf(answer);
      if (certified.checkpoint.height > height) return;
      const nextSet = answer.nextSet == null ? undefined : honorSetOf(answer.nextSet);
      if (nextSet === undefined) throw noSet();
      client.follow({ ...certified, nextSet }, 0);
      number += 1;
    }
    if (page.length === 0) return;
  }
}

function certifiedOf({ checkpoint: fields, certificate }: DecisionAnswer): CertifiedCheckpoint {
  const checkpoint = checkpointOf(fields);
  return {
    checkpoint,
    certificate: {
      height: checkpoint.height,
      round: Number(certificate.round),
      checkpointId: checkpointId(checkpoint),
      signers: fromHex(certificate.signers),
      signature: fromHex(certificate.signature),
    },
  };
}

function failed(how: string, evidence: VerificationCheck["evidence"]): VerificationCheck {
  return { name: "finality", ok: false, how, evidence };
}

function noSet(): CodedError {
  return new CodedError({
    code: "invalid-hand-over",
    kind: "invalid",
    field: "nextSet",
    message: "A hand-over names no honor set.",
  });
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A node that makes the blocks alone says so, or does not know the method; any other refusal says nothing about the chain. */
function notAnHonorChain(error: unknown): undefined {
  if (isCodedError(error) && error.code === "json-rpc-error") {
    const { rpcCode, rpcData } = error.details;
    const named = (rpcData as { readonly code?: unknown } | null | undefined)?.code;
    if (rpcCode === METHOD_NOT_FOUND || named === "not-an-honor-chain") return undefined;
  }
  throw error;
}

function honorSetOf({ number, members }: SetAnswer): HonorSet | undefined {
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
    ...(fields.attestedDag === undefined ? {} : { attestedDag: fields.attestedDag }),
  };
}
