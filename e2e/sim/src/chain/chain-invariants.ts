import { type ChainTimeParameters } from "@aios/core-committee/chain-time";
import { type HonorSet, honorKeysOf } from "@aios/core-committee/honor-set";
import { LightClient } from "@aios/core-committee/light-client";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { type Evidence, verifyEvidence } from "@aios/core-finality/evidence";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { Decision } from "@aios/core-honor-node/node-protocol";
import { isMalice, PACKET_FAULTS, type PacketFault, PEER_BAN } from "@aios/core-honor-node/packet-faults";
import { PeerScores } from "@aios/peer-network/peer-scores";
import { Violation } from "../invariants.js";
import type { LedgerBlock, Outcome } from "./ledger.js";

/** More than there are nodes. */
const MAX_PEERS = 1_024;

interface Fact {
  readonly text: string;
  readonly node: string;
}

/** What honest nodes order, execute, decide and accuse, compared with each other. */
export class ChainInvariants {
  readonly #chainId: string;
  readonly #scheme: SignatureScheme;
  readonly #byzantine: ReadonlySet<string>;
  readonly #facts = new Map<string, Fact>();
  readonly #accepted = new Set<string>();
  readonly #outcomes = new Map<string, Outcome>();
  readonly #executedAt = new Map<string, number>();
  readonly #sets = new Map<number, HonorSet>();
  readonly #orders = new Map<number, readonly string[]>();
  /** By honest node, what its peers cost it. */
  readonly #scores = new Map<string, PeerScores>();
  #evidence = 0;

  constructor(
    chainId: string,
    scheme: SignatureScheme,
    byzantine: ReadonlySet<string>,
    genesisSet: HonorSet,
  ) {
    this.#chainId = chainId;
    this.#scheme = scheme;
    this.#byzantine = byzantine;
    this.#sets.set(0, genesisSet);
  }

  get evidence(): number {
    return this.#evidence;
  }

  /** As `ChainSimulationResult.orders`. */
  get orders(): readonly (readonly string[])[] {
    const heights = [...this.#orders].sort(([a], [b]) => a - b);
    return heights.map(([, ids]) => ids).filter((ids) => ids.length > 0);
  }

  get handOvers(): number {
    return this.#sets.size - 1;
  }

  onAccepted(transactions: readonly OrderedTransaction[]): void {
    for (const { id } of transactions) this.#accepted.add(id);
  }

  onDecision(node: string, { checkpoint, nextSet }: Decision): void {
    this.#same(`checkpoint ${checkpoint.height}`, node, checkpointId(checkpoint));
    if (nextSet !== undefined) this.#sets.set(nextSet.number, nextSet);
  }

  /** A node ordered a height and executed it. */
  onExecuted(
    node: string,
    checkpoint: Checkpoint,
    transactions: readonly OrderedTransaction[],
    block: LedgerBlock,
  ): void {
    const { height } = checkpoint;
    const ids = transactions.map(({ id }) => id);
    this.#same(`order of ${height}`, node, ids.join());
    this.#orders.set(height, ids);
    this.#same(`root after ${height}`, node, block.result.root);
    const attested = this.#facts.get(`root after ${height - 1}`)?.text;
    if (attested !== undefined && attested !== checkpoint.attestedRoot)
      throw new Violation(`checkpoint ${height} attests a root that nobody computed`);
    for (const [id, outcome] of block.outcomes) this.#note(id, outcome, height);
  }

  #note(id: string, outcome: Outcome, height: number): void {
    if (outcome === "executed") {
      const before = this.#executedAt.get(id);
      if (before !== undefined && before !== height)
        throw new Violation(`transaction ${id} is executed twice`);
      this.#executedAt.set(id, height);
    }
    if (this.#outcomes.get(id) !== "executed") this.#outcomes.set(id, outcome);
  }

  onEvidence(setNumber: number, evidence: Evidence): void {
    const set = this.#sets.get(setNumber);
    if (set === undefined) return;
    const guilty = verifyEvidence(
      this.#scheme,
      this.#chainId,
      honorKeysOf(this.#chainId, set).publicKeys,
      evidence,
    );
    const account = set.members[guilty]?.account ?? "nobody";
    if (!this.#byzantine.has(account)) throw new Violation(`honest node ${account} could be slashed`);
    this.#evidence += 1;
  }

  /** An honest node refuses what a peer sent. Honest ones do nothing of malice, and nothing else so often that it bans them. */
  onBlamed(judge: string, peer: string, fault: PacketFault, nowMs: number): void {
    if (this.#byzantine.has(peer)) return;
    if (isMalice(fault)) throw new Violation(`honest node ${peer} was blamed for a packet: ${fault}`);
    let scores = this.#scores.get(judge);
    if (scores === undefined) {
      scores = new PeerScores({ ...PEER_BAN, maxPeers: MAX_PEERS });
      this.#scores.set(judge, scores);
    }
    if (scores.punish(peer, PACKET_FAULTS[fault], nowMs))
      throw new Violation(`honest node ${peer} would be banned, for the last time because of: ${fault}`);
  }

  /** The disk is gone of the node that accepted these: nobody else need have heard of them. */
  onLost(transactions: Iterable<string>): void {
    for (const id of transactions) this.#accepted.delete(id);
  }

  /** Accepted transactions that are neither ordered nor dropped. */
  get unsettled(): string[] {
    return [...this.#accepted].filter((id) => !this.#outcomes.has(id));
  }

  get executed(): number {
    return this.#executedAt.size;
  }

  /** A light client that knows the genesis set and hand-overs alone believes a node's last checkpoint. */
  followAsLightClient(time: ChainTimeParameters, genesisSet: HonorSet, decisions: readonly Decision[]): void {
    const settings = { chainId: this.#chainId, time, scheme: this.#scheme, trustPeriodMs: 1e9 };
    const client = new LightClient(settings, { set: genesisSet, fromHeight: 1, fromTick: 0 });
    for (const decision of decisions)
      if (decision.nextSet !== undefined) client.follow({ ...decision, nextSet: decision.nextSet }, 0);
    const last = decisions.at(-1);
    if (last !== undefined) client.verify(last, 0);
  }

  #same(what: string, node: string, text: string): void {
    const known = this.#facts.get(what);
    if (known === undefined) this.#facts.set(what, { text, node });
    else if (known.text !== text) throw new Violation(`${what} differs between ${known.node} and ${node}`);
  }
}
