import { stakeElection } from "@aios/core-committee/election";
import type { HonorSet } from "@aios/core-committee/honor-set";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import { NO_HISTORY } from "@aios/core-honor-node/chain-base";
import { blockId, isWhole } from "@aios/core-honor-node/dag-block";
import { HonorNode } from "@aios/core-honor-node/honor-node";
import type { NodeInput, NodeOutput } from "@aios/core-honor-node/node-protocol";
import type { NodeSettings } from "@aios/core-honor-node/node-settings";
import { SeededRng } from "@aios/kernel/random";
import { bytesToHex } from "@noble/hashes/utils.js";
import { EventQueue } from "../sim/src/event-queue.js";
import { idealKeyring } from "../sim/src/signers.js";

// Order certificates of 21 nodes in virtual time: constant delay, f of them crashed, and every signature charged with what
// it costs on this machine (`npm run bench -- consensus`), one at a time on a node's one thread.
const SUITE = "order-latency";
const json = process.argv.includes("--json");
const NODES = 21;
const CRASHED = 6;
const DELAY_MS = 100;
const RUN_MS = 120_000;
const SUBMIT_EVERY_MS = 40;
const VERIFY_MS = 1.25;
const SIGN_MS = 0.37;
/** Until here the crashed leaders lose their turns. */
const WARM_UP_MS = 40_000;

const queue = new EventQueue();
const rng = new SeededRng(1);
const keyring = idealKeyring();
const set: HonorSet = {
  number: 0,
  members: Array.from({ length: NODES }, (_, index) => ({
    account: `0x${(index + 1).toString(16).padStart(40, "0")}`,
    publicKey: bytesToHex(keyring.publicKey(index)),
  })),
};
const crashed = new Set(rng.shuffle(Array.from({ length: NODES }, (_, index) => index)).slice(0, CRASHED));
const submittedAtMs = new Map<string, number>();
const includedIn = new Map<string, string>();
const madeAtMs = new Map<string, number>();
const afterInclusion: number[] = [];
const afterSubmission: number[] = [];
let charge = 0;

const scheme: SignatureScheme = {
  verify: (key, message, signature) => {
    charge += VERIFY_MS;
    return keyring.scheme.verify(key, message, signature);
  },
  aggregate: (signatures) => {
    charge += VERIFY_MS;
    return keyring.scheme.aggregate(signatures);
  },
  verifyAggregate: (keys, message, signature) => {
    charge += VERIFY_MS;
    return keyring.scheme.verifyAggregate(keys, message, signature);
  },
};

class MeasuredNode {
  readonly #core: HonorNode;
  readonly #index: number;
  #busyUntilMs = 0;

  constructor(index: number) {
    this.#index = index;
    this.#core = new HonorNode(settingsOf(index));
    this.#run(() => this.#core.start([], queue.nowMs));
  }

  input(input: NodeInput): void {
    const waitMs = this.#busyUntilMs - queue.nowMs;
    if (waitMs > 0) queue.after(waitMs, () => this.#run(() => this.#core.handle(input, queue.nowMs)));
    else this.#run(() => this.#core.handle(input, queue.nowMs));
  }

  #run(work: () => NodeOutput[]): void {
    charge = 0;
    const outputs = work();
    this.#busyUntilMs = Math.max(this.#busyUntilMs, queue.nowMs) + charge;
    const doneInMs = this.#busyUntilMs - queue.nowMs;
    for (const output of outputs) this.#perform(output, doneInMs);
  }

  #perform(output: NodeOutput, doneInMs: number): void {
    if (output.kind === "timer")
      queue.after(doneInMs + output.delayMs, () => this.input({ kind: "timer", timer: output.timer }));
    else if (output.kind === "execute") {
      const { height, transactions } = output;
      this.#measure(transactions.map(({ id }) => id));
      queue.after(doneInMs + 5, () =>
        this.input({ kind: "executed", height, result: { root: `root-${height}`, candidates: [] } }),
      );
    } else if (output.kind === "persist" && output.entry.kind === "block") {
      const { block } = output.entry;
      if (block.seat === this.#index) madeAtMs.set(blockId(block), queue.nowMs);
      for (const { id } of isWhole(block) ? block.transactions : [])
        if (!includedIn.has(id)) includedIn.set(id, blockId(block));
    } else if (output.kind === "send")
      for (const [to, node] of nodes.entries())
        if (node !== this && (output.to === undefined || output.to === set.members[to]?.account))
          queue.after(doneInMs + DELAY_MS, () =>
            node?.input({
              kind: "packet",
              from: set.members[this.#index]?.account ?? "",
              packet: output.packet,
            }),
          );
  }

  #measure(ids: readonly string[]): void {
    for (const id of ids) {
      const submitted = submittedAtMs.get(id);
      const made = madeAtMs.get(includedIn.get(id) ?? "");
      if (submitted === undefined || made === undefined || submitted < WARM_UP_MS) continue;
      afterSubmission.push(queue.nowMs - submitted);
      afterInclusion.push(queue.nowMs - made);
    }
  }
}

const nodes: (MeasuredNode | undefined)[] = [];
for (let index = 0; index < NODES; index++)
  nodes.push(crashed.has(index) ? undefined : new MeasuredNode(index));
let count = 0;
const submit = (): void => {
  const index = rng.below(NODES);
  const sender = `0x${(0x1000 + count).toString(16).padStart(40, "0")}`;
  const transaction = { id: `t${count}`, sender, nonce: 0, gasLimit: 21_000, payload: new Uint8Array(0) };
  count += 1;
  const node = nodes[index];
  if (node !== undefined) {
    submittedAtMs.set(transaction.id, queue.nowMs);
    node.input({ kind: "transactions", transactions: [transaction] });
  }
  queue.after(SUBMIT_EVERY_MS, submit);
};
queue.after(1_000, submit);
while (queue.nowMs < RUN_MS && queue.step());

report("order certificate after inclusion, p50", at(afterInclusion, 0.5), 1_000);
report("order certificate after inclusion, p95", at(afterInclusion, 0.95), 2_000);
report("order certificate after submission, p50", at(afterSubmission, 0.5), 1_500);
report("order certificate after submission, p95", at(afterSubmission, 0.95), undefined);

function settingsOf(index: number): NodeSettings {
  return {
    chain: {
      chainId: "bench",
      time: { genesisTimeMs: 0, tickMs: 1_500, ticksPerSlot: 2, slotsPerEpoch: 30, epochsPerCycle: 40 },
      ghostdag: { k: 3, maxParents: 16, maxMergeset: 500, mergeDepth: 5_000, pruningDepth: 10_000 },
      genesisSet: set,
      genesis: { root: "root-0", candidates: [] },
      electionRules: { seats: NODES, minimumStakeWei: 0n, hysteresisBps: 0, immunityCycles: 0 },
      maxBlockBytes: 1_048_576,
      maxBlockGas: 30_000_000,
      maxBlocksPerCheckpoint: 1_000,
      reputationWindow: 1_000,
    },
    account: set.members[index]?.account ?? "",
    scheme,
    election: stakeElection,
    sign: (bytes) => {
      charge += SIGN_MS;
      return bytesToHex(keyring.sign(index, bytes));
    },
    timeouts: { proposeMs: 1_200, prevoteMs: 400, precommitMs: 400, backOffMs: 300 },
    checkpointIntervalMs: 150,
    emptyAfterMs: 400,
    gossipMs: 2_000,
    clockToleranceMs: 200,
    maxTransactionsPerBlock: 1_000,
    poolCapacity: 100_000,
    maxWaitingBlocks: 1_000,
    maxWaitingBytes: 67_108_864,
    maxRoundsAhead: 20,
    maxHeldBytes: 67_108_864,
    history: NO_HISTORY,
  };
}

function at(values: number[], quantile: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.floor(sorted.length * quantile)];
  return value === undefined ? null : Math.round(value);
}

function report(name: string, value: number | null, goal: number | undefined): void {
  if (json)
    console.log(
      JSON.stringify({
        suite: SUITE,
        name,
        value,
        unit: "ms",
        goal: goal ?? null,
        better: "lower",
        note: "virtual time",
      }),
    );
  else
    console.log(
      `${name.padEnd(48)} ${String(value).padStart(7)} ms${goal === undefined ? "" : `   goal ${goal} ms`}`,
    );
}
