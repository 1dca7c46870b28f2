import { stakeElection } from "@aios/core-committee/election";
import { groupCount, type HonorSet } from "@aios/core-committee/honor-set";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import { smallestSafeK } from "@aios/core-ghostdag/anticone-bound";
import { NO_HISTORY } from "@aios/core-honor-node/chain-history";
import { blockId, isWhole, type OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { HonorNode } from "@aios/core-honor-node/honor-node";
import type { NodeInput, NodeOutput, Packet } from "@aios/core-honor-node/node-protocol";
import type { NodeSettings } from "@aios/core-honor-node/node-settings";
import { dagOrder } from "@aios/core-honor-node/ordering-policy";
import { encodePacket, toWire } from "@aios/core-honor-node/packet-codec";
import { SeededRng } from "@aios/kernel/random";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { EventQueue } from "./event-queue.js";
import { idealKeyring, type Keyring } from "./signers.js";

/** What every signature costs a node's one thread, in milliseconds of processor time (`npm run bench -- bls`). */
export const SIGNATURE_COST_MS = { verify: 1.25, sign: 0.37, forEachKey: 0.004 };
const SIGNATURE_BYTES = 96;
const TRANSFER_GAS = 21_000;
const EXECUTION_MS = 5;
const DELAY_MS = 100;
/** Assumed for the choice of k: the way of a block, and its check. */
const MAX_DELAY_MS = 200;

export interface SimulationChoice {
  readonly nodes: number;
  readonly crashed: number;
  /** Of all nodes on duty together. */
  readonly blocksPerSecond: number;
  readonly transactionsPerSecond: number;
  readonly transactionBytes: number;
  /** Nothing is measured before: crashed leaders lose their turns meanwhile. */
  readonly warmUpMs: number;
  readonly runMs: number;
}

export interface SimulationFigures {
  readonly afterInclusionMs: readonly number[];
  readonly afterSubmissionMs: readonly number[];
  /** Of the transactions submitted while it was measured. */
  readonly offered: number;
  /** Of those, by an average node. */
  readonly ordered: number;
  readonly checkpointsPerSecond: number;
  /** Most that any node had to do, of one thread. */
  readonly busiestShare: number;
  /** Bytes that a node receives for each byte of transactions submitted, on average; sent are as many. */
  readonly receivedForEachByte: number;
  readonly receivedBytesPerSecond: number;
  /** The same by kind of packet. */
  readonly receivedByKind: ReadonlyMap<string, number>;
}

/**
 * Honor nodes in virtual time: the real protocol, constant delays, links without a limit, ideal signatures that each cost the
 * node's thread what real ones do. Deterministic.
 */
export function simulateHonorChain(choice: SimulationChoice): SimulationFigures {
  return new Simulation(choice).run();
}

class Simulation {
  readonly #choice: SimulationChoice;
  readonly queue = new EventQueue();
  readonly #rng = new SeededRng(1);
  readonly keyring: Keyring = idealKeyring();
  readonly set: HonorSet;
  readonly #nodes: (SimulatedNode | undefined)[] = [];
  readonly #submittedAtMs = new Map<string, number>();
  readonly #includedIn = new Map<string, string>();
  readonly #madeAtMs = new Map<string, number>();
  readonly #afterInclusionMs: number[] = [];
  readonly #afterSubmissionMs: number[] = [];
  readonly #bytesByKind = new Map<string, number>();
  readonly #sizes = new WeakMap<Packet, number>();
  #submitted = 0;
  #offered = 0;
  #checkpoints = 0;

  constructor(choice: SimulationChoice) {
    this.#choice = choice;
    const all = Array.from({ length: choice.nodes }, (_, index) => index);
    this.set = {
      number: 0,
      members: all.map((index) => ({
        account: `0x${(index + 1).toString(16).padStart(40, "0")}`,
        publicKey: bytesToHex(this.keyring.publicKey(index)),
      })),
    };
    const crashed = new Set(this.#rng.shuffle([...all]).slice(0, choice.crashed));
    for (const index of all)
      this.#nodes.push(crashed.has(index) ? undefined : new SimulatedNode(index, this, this.#settings()));
  }

  run(): SimulationFigures {
    const { warmUpMs, runMs, transactionBytes } = this.#choice;
    for (const node of this.#nodes) node?.start();
    this.queue.after(1_000, () => this.#submit());
    while (this.queue.nowMs < runMs && this.queue.step());
    const seconds = (runMs - warmUpMs) / 1_000;
    const alive = this.#nodes.filter((node) => node !== undefined);
    const bytes = [...this.#bytesByKind.values()].reduce((sum, value) => sum + value, 0) / alive.length;
    const data = this.#offered * transactionBytes;
    return {
      afterInclusionMs: this.#afterInclusionMs,
      afterSubmissionMs: this.#afterSubmissionMs,
      offered: this.#offered,
      ordered: this.#afterInclusionMs.length / alive.length,
      checkpointsPerSecond: this.#checkpoints / alive.length / seconds,
      busiestShare: Math.max(...alive.map(({ busyMs }) => busyMs)) / (seconds * 1_000),
      receivedForEachByte: bytes / data,
      receivedBytesPerSecond: bytes / seconds,
      receivedByKind: new Map(
        [...this.#bytesByKind].map(([kind, value]) => [kind, value / alive.length / data]),
      ),
    };
  }

  get isMeasured(): boolean {
    return this.queue.nowMs >= this.#choice.warmUpMs;
  }

  deliver(from: SimulatedNode, to: string | undefined, packet: Packet, afterMs: number): void {
    const account = this.#account(from.index);
    for (const [index, node] of this.#nodes.entries()) {
      if (node === undefined || node === from) continue;
      if (to !== undefined && to !== this.#account(index)) continue;
      if (this.isMeasured)
        this.#bytesByKind.set(packet.kind, (this.#bytesByKind.get(packet.kind) ?? 0) + this.#sizeOf(packet));
      this.queue.after(afterMs + DELAY_MS, () => node.input({ kind: "packet", from: account, packet }));
    }
  }

  made(id: string): void {
    this.#madeAtMs.set(id, this.queue.nowMs);
  }

  included(transactions: readonly OrderedTransaction[], block: string): void {
    for (const { id } of transactions) if (!this.#includedIn.has(id)) this.#includedIn.set(id, block);
  }

  ordered(transactions: readonly OrderedTransaction[]): void {
    if (this.isMeasured) this.#checkpoints += 1;
    for (const { id } of transactions) {
      const submitted = this.#submittedAtMs.get(id);
      const made = this.#madeAtMs.get(this.#includedIn.get(id) ?? "");
      if (submitted === undefined || made === undefined || submitted < this.#choice.warmUpMs) continue;
      this.#afterSubmissionMs.push(this.queue.nowMs - submitted);
      this.#afterInclusionMs.push(this.queue.nowMs - made);
    }
  }

  /** What users send in some milliseconds, each node to some of them. */
  #submit(): void {
    const { transactionsPerSecond, transactionBytes } = this.#choice;
    const everyMs = Math.max(10, 1_000 / transactionsPerSecond);
    const due = Math.round((transactionsPerSecond * everyMs) / 1_000);
    const byNode = new Map<number, OrderedTransaction[]>();
    for (let one = 0; one < due; one++) {
      const number = this.#submitted++;
      const node = this.#rng.below(this.#nodes.length);
      const transaction = {
        id: bytesToHex(sha256(utf8ToBytes(`${number}`))),
        sender: `0x${(0x1000 + number).toString(16).padStart(40, "0")}`,
        nonce: 0,
        gasLimit: TRANSFER_GAS,
        payload: new Uint8Array(transactionBytes),
      };
      if (this.#nodes[node] === undefined) continue;
      this.#submittedAtMs.set(transaction.id, this.queue.nowMs);
      if (this.isMeasured) this.#offered += 1;
      const together = byNode.get(node);
      if (together === undefined) byNode.set(node, [transaction]);
      else together.push(transaction);
    }
    for (const [node, transactions] of byNode)
      this.#nodes[node]?.input({ kind: "transactions", transactions });
    this.queue.after(everyMs, () => this.#submit());
  }

  #sizeOf(packet: Packet): number {
    const known = this.#sizes.get(packet);
    if (known !== undefined) return known;
    const size = encodePacket(toWire(packet)).length;
    this.#sizes.set(packet, size);
    return size;
  }

  #account(index: number): string {
    return this.set.members[index]?.account ?? "";
  }

  #settings(): Omit<NodeSettings, "scheme" | "keys"> {
    const { nodes, blocksPerSecond } = this.#choice;
    const onDuty = nodes / groupCount(nodes);
    const tickMs = Math.round((onDuty / blocksPerSecond) * 1_000);
    const slot = {
      ticksPerSlot: Math.max(1, Math.round(3_000 / tickMs)),
      slotsPerEpoch: 30,
      epochsPerCycle: 40,
    };
    return {
      chain: {
        chainId: "bench",
        time: { genesisTimeMs: 0, tickMs, ...slot },
        ghostdag: {
          k: smallestSafeK({ blocksPerSecond, maxDelayMs: MAX_DELAY_MS, maxExcessProbability: 0.01 }),
          maxParents: 16,
          maxMergeset: 500,
          mergeDepth: 5_000,
          pruningDepth: 10_000,
        },
        genesisSet: this.set,
        genesis: { root: "00".repeat(32), candidates: [] },
        electionRules: { seats: nodes, minimumStakeWei: 0n, hysteresisBps: 0, immunityCycles: 0 },
        maxBlockBytes: 1_048_576,
        // Bytes bound what is measured here, not gas.
        maxBlockGas: 1_000_000 * TRANSFER_GAS,
        maxBlocksPerCheckpoint: 1_000,
        reputationWindow: 1_000,
        maxClockToleranceMs: 5_000,
        snapshotInterval: 1_000,
      },
      election: stakeElection,
      ordering: dagOrder,
      timeouts: { proposeMs: 1_200, prevoteMs: 400, precommitMs: 400, backOffMs: 300 },
      checkpointIntervalMs: 150,
      emptyAfterMs: 400,
      gossipMs: 2_000,
      clockToleranceMs: 200,
      maxTransactionsPerBlock: 10_000,
      poolCapacity: 100_000,
      maxWaitingBlocks: 1_000,
      maxWaitingBytes: 67_108_864,
      maxRoundsAhead: 20,
      maxHeldBytes: 67_108_864,
      unprunedHeights: 16,
      history: NO_HISTORY,
    };
  }
}

class SimulatedNode {
  readonly index: number;
  /** Processor time of its thread while it was measured. */
  busyMs = 0;
  readonly #simulation: Simulation;
  readonly #core: HonorNode;
  #busyUntilMs = 0;
  #charge = 0;

  constructor(index: number, simulation: Simulation, settings: Omit<NodeSettings, "scheme" | "keys">) {
    this.index = index;
    this.#simulation = simulation;
    const { keyring } = simulation;
    this.#core = new HonorNode({
      ...settings,
      scheme: this.#charged(keyring.scheme),
      keys: {
        has: (publicKey) => publicKey === simulation.set.members[index]?.publicKey,
        sign: (_, bytes) => {
          this.#charge += SIGNATURE_COST_MS.sign;
          // As long as a real one.
          return bytesToHex(keyring.sign(index, bytes)).padEnd(2 * SIGNATURE_BYTES, "0");
        },
      },
    });
  }

  start(): void {
    this.#run(() => this.#core.start([], this.#simulation.queue.nowMs));
  }

  input(input: NodeInput): void {
    const { queue } = this.#simulation;
    const handle = (): void => this.#run(() => this.#core.handle(input, queue.nowMs));
    const waitMs = this.#busyUntilMs - queue.nowMs;
    // Once at most: what its output waits for is counted on top.
    if (waitMs > 0) queue.after(waitMs, handle);
    else handle();
  }

  #charged({ verify, aggregate, verifyAggregate }: SignatureScheme): SignatureScheme {
    const charge = (keys: number): void => {
      this.#charge += SIGNATURE_COST_MS.verify + SIGNATURE_COST_MS.forEachKey * keys;
    };
    return {
      verify: (key, message, signature) => {
        charge(0);
        return verify(key, message, signature);
      },
      aggregate: (signatures) => {
        charge(signatures.length);
        return aggregate(signatures);
      },
      verifyAggregate: (keys, message, signature) => {
        charge(keys.length);
        return verifyAggregate(keys, message, signature);
      },
    };
  }

  #run(work: () => NodeOutput[]): void {
    const { queue } = this.#simulation;
    this.#charge = 0;
    const outputs = work();
    if (this.#simulation.isMeasured) this.busyMs += this.#charge;
    this.#busyUntilMs = Math.max(this.#busyUntilMs, queue.nowMs) + this.#charge;
    const doneInMs = this.#busyUntilMs - queue.nowMs;
    for (const output of outputs) this.#perform(output, doneInMs);
  }

  #perform(output: NodeOutput, doneInMs: number): void {
    const { queue } = this.#simulation;
    if (output.kind === "timer")
      queue.after(doneInMs + output.delayMs, () => this.input({ kind: "timer", timer: output.timer }));
    else if (output.kind === "execute") {
      const { height, transactions } = output;
      this.#simulation.ordered(transactions);
      const root = height.toString(16).padStart(64, "0");
      queue.after(doneInMs + EXECUTION_MS, () =>
        this.input({ kind: "executed", height, result: { root, candidates: [] } }),
      );
    } else if (output.kind === "persist" && output.entry.kind === "block") {
      const { block } = output.entry;
      const id = blockId(block);
      if (block.seat === this.index) this.#simulation.made(id);
      this.#simulation.included(isWhole(block) ? block.transactions : [], id);
    } else if (output.kind === "send") this.#simulation.deliver(this, output.to, output.packet, doneInMs);
  }
}
