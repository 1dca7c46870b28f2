import { startOfTickMs, tickAt } from "@aios/core-committee/chain-time";
import { honorSetId } from "@aios/core-committee/honor-set";
import { LightClient } from "@aios/core-committee/light-client";
import { checkpointId } from "@aios/core-finality/checkpoint";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { GENESIS_BLOCK } from "./block-dag.js";
import type { ChainBase, Reign } from "./chain-base.js";
import { baseAt, firstRemembered } from "./chain-pruning.js";
import { blockId } from "./dag-block.js";
import { cutBelow, type DagCut, dagDigest } from "./dag-digest.js";
import type { NodeContext } from "./node-context.js";
import type { Decision, LogEntry } from "./node-protocol.js";
import type { ChainSettings } from "./node-settings.js";
import type { Abstention } from "./past-statements.js";
import { snapshotInvalid } from "./snapshot-fault.js";

/** What a node needs beside the state after `height` to go on from there. */
export interface ChainSnapshot extends DagCut {
  /** One that the chain's `snapshotInterval` divides. */
  readonly height: number;
  /** Every decision up to the first of `decisions` that handed over to another set. */
  readonly handOvers: readonly Decision[];
  /**
   * From the first that anything depends on to two beyond `height`: the next attests the state and the DAG of `height`, the
   * one after that the next state.
   */
  readonly decisions: readonly Decision[];
}

/** More blocks than these times the pruning depth are in no honest snapshot. */
const MOST_DEPTHS = 4;
/** Certificates beyond the snapshot's height: the next attests its state, the one after that the state which names its block. */
export const PROVING_DECISIONS = 2;

/** The snapshot at a height whose state is known; undefined where certificates that prove it are missing, yet or already. */
export function takeSnapshot(
  context: NodeContext,
  height: number,
  decisionOf: (height: number) => Decision | undefined,
): ChainSnapshot | undefined {
  const { chain, dag, settings } = context;
  const { snapshotInterval, ghostdag, reputationWindow } = settings.chain;
  const last = height + PROVING_DECISIONS;
  if (height < 1 || height % snapshotInterval !== 0) return undefined;
  if (last >= chain.height || height < chain.firstHeight) return undefined;
  const cut = cutBelow(dag, chain.tipOf(height), ghostdag.pruningDepth);
  if (cut === undefined) return undefined;
  const { firstDecision } = baseAt(context, height);
  // Heights that order nothing new share a tip: the DAG below it may be held where their decisions are pruned.
  if (firstDecision > firstRemembered(height, reputationWindow)) return undefined;
  const decisions = heightsOf(firstDecision, last).map(decisionOf);
  if (!decisions.every((decision) => decision !== undefined)) return undefined;
  const handOvers = chain
    .reignsAt(firstDecision)
    .slice(1)
    .map(({ fromHeight }) => decisionOf(fromHeight - 1));
  if (!handOvers.every((decision) => decision !== undefined)) return undefined;
  return { height, ...cut, handOvers, decisions };
}

/** A decided checkpoint, as its id commits to everything before it. */
export interface KnownCheckpoint {
  readonly height: number;
  readonly id: string;
}

/** What a node decided by itself, or checked before. */
export interface VerifiedChain {
  /** The last. */
  readonly checkpoint: KnownCheckpoint;
  readonly tick: number;
  /** Id of an earlier one; undefined where its decision is not held. */
  readonly idAt: (height: number) => string | undefined;
  /** All sets up to the one that decides the next height. */
  readonly reigns: readonly Reign[];
}

/**
 * From where trust in a snapshot starts. Whoever sat in a set that has long handed over has nothing to lose any more and may
 * sign another history (long-range attack), so that genesis alone is a start only while the chain is young.
 */
export interface SnapshotTrust {
  readonly chain: ChainSettings;
  readonly scheme: SignatureScheme;
  readonly nowMs: number;
  /** Genesis, a named checkpoint and the own chain are believed for so long; less than deposits stay bound. */
  readonly trustPeriodMs: number;
  /** A decided checkpoint that the operator vouches for: the snapshot has to contain it. */
  readonly checkpoint?: KnownCheckpoint | undefined;
  /** The own chain: the snapshot has to continue it. */
  readonly verified?: VerifiedChain | undefined;
}

/** What a snapshot proves, and what a log needs to go on from it. */
export interface ProvenSnapshot {
  readonly height: number;
  /** State after `height` and after the next height, as quorums attest them. */
  readonly root: string;
  readonly nextRoot: string;
  readonly tick: number;
  readonly entries: readonly LogEntry[];
}

/**
 * Checks a snapshot from whomever: certificates by the sets that hand over from genesis, checkpoints by their hashes, blocks
 * and their colouring by the digest that a checkpoint attests, and the sets by a start that is recent enough. Throws
 * `invalid-snapshot` with the field, and `trust-expired` where nothing that is trusted is recent. Cost: a certificate for
 * each decision, a hash for each block.
 */
export function proveSnapshot(snapshot: ChainSnapshot, trust: SnapshotTrust): ProvenSnapshot {
  const { height, handOvers, decisions } = snapshot;
  const { snapshotInterval, reputationWindow } = trust.chain;
  const first = decisions[0]?.checkpoint.height ?? 0;
  if (height < 1 || height % snapshotInterval !== 0) throw snapshotInvalid("height");
  if (first < 1 || first > firstRemembered(height, reputationWindow)) throw snapshotInvalid("decisions");
  if (decisions.length !== height + PROVING_DECISIONS - first + 1) throw snapshotInvalid("decisions");
  requireLinked(decisions);
  requireStart(snapshot, trust);
  const reigns = provenReigns(snapshot, trust);
  const [at, next, last] = decisions.slice(-PROVING_DECISIONS - 1) as [Decision, Decision, Decision];
  const base: ChainBase = {
    root: snapshot.root,
    height,
    firstDecision: first,
    reigns: reigns.filter(({ fromHeight }) => fromHeight <= first),
  };
  return {
    height,
    root: next.checkpoint.attestedRoot,
    nextRoot: last.checkpoint.attestedRoot,
    tick: at.checkpoint.tick,
    entries: [
      ...[...handOvers, ...decisions.slice(0, -PROVING_DECISIONS)].map(
        (decision): LogEntry => ({ kind: "decision", decision }),
      ),
      ...provenBlocks(snapshot, next, trust.chain),
      { kind: "base", base, gone: [], accepted: [] },
    ],
  };
}

/**
 * What binds a node that begins with a snapshot. Its safety record stays as it is. `log`: what the node's log says so far;
 * absent where it is lost, or was never there.
 */
export function abstentionAfterRestore(
  { time, maxClockToleranceMs }: Pick<ChainSettings, "time" | "maxClockToleranceMs">,
  nowMs: number,
  log?: { readonly abstention: Abstention; readonly latestBlockTick: number },
): Abstention {
  // The clock may have been ahead then, as far as any peer tolerates.
  const present = tickAt(time, nowMs + maxClockToleranceMs) + 1;
  if (log === undefined) return { blocksUntil: present, votesUntil: present };
  const { abstention, latestBlockTick } = log;
  return {
    blocksUntil: Math.max(present, latestBlockTick, abstention.blocksUntil),
    votesUntil: abstention.votesUntil,
  };
}

function requireLinked(decisions: readonly Decision[]): void {
  for (const [index, { checkpoint }] of decisions.entries()) {
    const before = decisions[index - 1];
    if (before === undefined) continue;
    if (checkpoint.height !== before.checkpoint.height + 1) throw snapshotInvalid("decisions.height");
    if (checkpoint.parentId !== checkpointId(before.checkpoint)) throw snapshotInvalid("decisions.parentId");
  }
}

/** Requires what is trusted to be in the snapshot, and something of it to be recent. */
function requireStart({ handOvers, decisions }: ChainSnapshot, trust: SnapshotTrust): void {
  const { checkpoint, verified, chain, nowMs, trustPeriodMs } = trust;
  const all = [...handOvers, ...decisions];
  const ticks = [0];
  if (checkpoint !== undefined) {
    const named = all.find((one) => one.checkpoint.height === checkpoint.height);
    if (named === undefined || checkpointId(named.checkpoint) !== checkpoint.id)
      throw snapshotInvalid("checkpoint");
    ticks.push(named.checkpoint.tick);
  }
  if (verified !== undefined) {
    if (isBoundTo(verified, all)) ticks.push(verified.tick);
  }
  if (nowMs - startOfTickMs(chain.time, Math.max(...ticks)) <= trustPeriodMs) return;
  throw new CodedError({
    code: "trust-expired",
    kind: "gone",
    message:
      "Nothing that this node trusts is recent enough: name a checkpoint of the last days that you have from a source you believe.",
  });
}

/**
 * Whether the own chain vouches for decisions of a snapshot, oldest first: the last height that both have is the same, or the
 * last set of the own chain certified the last of them (`provenReigns` compares the sets). What only earlier sets certified may
 * be another history, however recent the own chain is. Throws `invalid-snapshot` where both differ.
 */
function isBoundTo({ checkpoint, idAt, reigns }: VerifiedChain, decisions: readonly Decision[]): boolean {
  const last = decisions.at(-1)?.checkpoint.height ?? 0;
  const common = Math.min(last, checkpoint.height);
  const ownId = common === checkpoint.height ? checkpoint.id : idAt(common);
  const theirs = decisions.find((one) => one.checkpoint.height === common);
  if (ownId === undefined || theirs === undefined) return last >= (reigns.at(-1)?.fromHeight ?? 1);
  if (checkpointId(theirs.checkpoint) !== ownId) throw snapshotInvalid("ownChain");
  return true;
}

/** Follows the hand-overs from genesis, and checks every certificate. */
function provenReigns({ handOvers, decisions }: ChainSnapshot, trust: SnapshotTrust): Reign[] {
  const { chainId, time, genesisSet } = trust.chain;
  const client = new LightClient(
    { chainId, time, scheme: trust.scheme, trustPeriodMs: Number.POSITIVE_INFINITY },
    { set: genesisSet, fromHeight: 1, fromTick: 0 },
  );
  const reigns: Reign[] = [client.latest];
  const proving = <T>(field: string, prove: () => T): T => {
    try {
      return prove();
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw snapshotInvalid(field, cause);
    }
  };
  const firstHeight = decisions[0]?.checkpoint.height ?? 0;
  if (handOvers.some(({ nextSet, checkpoint }) => nextSet === undefined || checkpoint.height >= firstHeight))
    throw snapshotInvalid("handOvers");
  for (const decision of [...handOvers, ...decisions]) {
    const { nextSet, checkpoint } = decision;
    const isHandOver = honorSetId(client.latest.set) !== checkpoint.nextSetId;
    if ((nextSet !== undefined) !== isHandOver) throw snapshotInvalid("decisions.nextSet");
    if (nextSet === undefined) {
      proving("certificate", () => client.verify(decision, 0));
      continue;
    }
    proving("handOver", () => client.follow({ ...decision, nextSet }, 0));
    reigns.push(client.latest);
  }
  const end = (decisions.at(-1)?.checkpoint.height ?? 0) + 1;
  for (const [at, own] of (trust.verified?.reigns ?? []).entries()) {
    const proven = reigns[at];
    // The own chain may be further than the snapshot, where what was executed of it is lost.
    if (own.fromHeight > end) break;
    if (proven?.fromHeight !== own.fromHeight || honorSetId(proven.set) !== honorSetId(own.set))
      throw snapshotInvalid("ownChain");
  }
  return reigns;
}

/** The blocks and their colouring, as the checkpoint after the snapshot's height attests them. */
function provenBlocks(cut: DagCut, { checkpoint }: Decision, { ghostdag }: ChainSettings): LogEntry[] {
  const { root, blocks } = cut;
  if (blocks.length > MOST_DEPTHS * ghostdag.pruningDepth + ghostdag.maxMergeset)
    throw snapshotInvalid("blocks");
  const places = new Map(blocks.map(({ id }, at) => [id, at]));
  if (places.size !== blocks.length) throw snapshotInvalid("blocks");
  if (root !== GENESIS_BLOCK && !places.has(root)) throw snapshotInvalid("root");
  if (checkpoint.attestedDag === undefined || checkpoint.attestedDag !== dagDigest(cut))
    throw snapshotInvalid("blocks.digest");
  return blocks.map(({ id, block, colouring }, at): LogEntry => {
    if (blockId(block) !== id) throw snapshotInvalid("blocks.id");
    if (block.parents.some((parent) => (places.get(parent) ?? -1) >= at))
      throw snapshotInvalid("blocks.order");
    return { kind: "block", block, colouring };
  });
}

function heightsOf(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
