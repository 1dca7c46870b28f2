import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, concat, fromHex } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import type { BlockHeader } from "../../domain/block.js";
import { nextBaseFee } from "../../domain/fees.js";
import type { EvidenceRecord, EvidenceStore, ReportedOffence } from "../../domain/honor-ports.js";
import type { BlockStore, StateStore, TransactionSigner } from "../../domain/ports.js";
import { slashCall } from "../../domain/staking-calls.js";
import { standingOf } from "../../domain/staking-state.js";
import { readState } from "../../domain/with-state.js";
import type { Mempool } from "../mempool.js";

/** Two pairings, two hashes to the curve and the payouts take about 800,000. */
const SLASH_GAS = 1_200_000n;
const TIP = 1n;
/** Reporters take turns, each so many checkpoints after the one before: only one of them shall pay for it. */
const TURNS = 8;
const CHECKPOINTS_OF_TURN = 6;
/** Ordered transactions that convicted nobody, after which this node leaves it to others. */
const MAX_FAILURES = 3;
/** After an attempt that could not be sent, so many checkpoints pass, and twice as many after the next, up to the latter. */
const RETRY_AFTER = { first: 6, most: 512 };
/** Evidence kept: more members than the largest honor set has. */
const MAX_RECORDS = 1_024;

/** How far evidence came: kept by this node alone, shown to the contract by it, or the deposit is taken. */
export type EvidenceState = "kept" | "submitted" | "convicted" | "not-registered";

export interface EvidenceReporterParts {
  readonly chainId: number;
  readonly minimumBaseFeePerGas: bigint;
  readonly contract: Address | undefined;
  /** Absent: evidence is kept and shown, and left to others to submit. */
  readonly signer: TransactionSigner | undefined;
  readonly store: EvidenceStore;
  readonly states: Pick<StateStore, "snapshot">;
  readonly blocks: Pick<BlockStore, "placeOf" | "head">;
  readonly mempool: Pick<Mempool, "submit" | "pool">;
  onError(error: unknown): void;
}

/**
 * Keeps the evidence that this node finds, the first against each key, and shows it to the staking contract once, by a
 * transaction of its operator. What was sent is written down before it leaves: a restart sends nothing twice that is still
 * on its way, and the contract convicts nobody twice.
 */
export class EvidenceReporter {
  readonly #parts: EvidenceReporterParts;
  readonly #records = new Map<string, EvidenceRecord>();
  /** Of evidence that could not be sent, the height of the next attempt, and how many checkpoints after this the one after it. */
  readonly #retries = new Map<string, { readonly atHeight: number; readonly wait: number }>();
  #work: Promise<void> = Promise.resolve();

  constructor(parts: EvidenceReporterParts) {
    this.#parts = parts;
    for (const record of parts.store.records()) this.#records.set(record.offence.publicKey, record);
  }

  /** What is kept, oldest first, and how far it came. */
  list(): { readonly record: EvidenceRecord; readonly state: EvidenceState }[] {
    const head = this.#parts.blocks.head();
    return [...this.#records.values()].map((record) => ({ record, state: this.#stateOf(record, head) }));
  }

  /** Keeps evidence, unless there is some against the key already. */
  found(offence: ReportedOffence): void {
    if (this.#records.has(offence.publicKey) || this.#records.size >= MAX_RECORDS) return;
    const foundAtHeight = this.#parts.blocks.head()?.number ?? 0;
    const record = { offence, foundAtHeight, transaction: undefined, failures: 0 };
    this.#records.set(offence.publicKey, record);
    this.#later(() => this.#parts.store.put(record));
  }

  /** Takes its turn, with what is due at the head. */
  onHead(head: BlockHeader): void {
    if (this.#records.size === 0) return;
    this.#later(async () => {
      for (const record of [...this.#records.values()]) await this.#advance(record, head);
    });
  }

  /** Resolves when nothing is being written. */
  idle(): Promise<void> {
    return this.#work;
  }

  #later(action: () => Promise<void>): void {
    this.#work = this.#work.then(action).catch((error: unknown) => this.#parts.onError(error));
  }

  async #advance(record: EvidenceRecord, head: BlockHeader): Promise<void> {
    const { signer, contract, mempool, blocks } = this.#parts;
    if (signer === undefined || contract === undefined || record.failures >= MAX_FAILURES) return;
    const state = this.#stateOf(record, head);
    if (state === "convicted" || state === "not-registered") return;
    const { transaction } = record;
    if (transaction !== undefined) {
      if (mempool.pool.get(transaction) !== undefined) return;
      const place = blocks.placeOf(transaction);
      // In a block whose state is not this one yet, or in one that convicted nobody.
      if (place !== undefined && place.blockNumber > head.number) return;
      if (place !== undefined) {
        await this.#keep({ ...record, transaction: undefined, failures: record.failures + 1 });
        return;
      }
    } else if (head.number < record.foundAtHeight + this.#turn(record) * CHECKPOINTS_OF_TURN) return;
    await this.#try(record, head, signer, contract);
  }

  /** An account without coins, or a pool without room, costs no write at every head. */
  async #try(
    record: EvidenceRecord,
    head: BlockHeader,
    signer: TransactionSigner,
    to: Address,
  ): Promise<void> {
    const { publicKey } = record.offence;
    const known = this.#retries.get(publicKey);
    const { atHeight, wait } = known ?? { atHeight: 0, wait: RETRY_AFTER.first };
    if (head.number < atHeight) return;
    const next = { atHeight: head.number + wait, wait: Math.min(2 * wait, RETRY_AFTER.most) };
    this.#retries.set(publicKey, next);
    await this.#submit(record, head, signer, to);
    this.#retries.delete(publicKey);
  }

  async #submit(
    record: EvidenceRecord,
    head: BlockHeader,
    signer: TransactionSigner,
    to: Address,
  ): Promise<void> {
    const { states, mempool, minimumBaseFeePerGas, chainId } = this.#parts;
    const known = readState(states, head.stateRoot, (view) => view.account(signer.address)?.nonce ?? 0n);
    const raw = signer.sign({
      chainId: BigInt(chainId),
      nonce: mempool.pool.nextNonce(signer.address, known),
      to,
      value: 0n,
      gasLimit: SLASH_GAS,
      data: slashCall(record.offence),
      maxFeePerGas: 2n * nextBaseFee(head, minimumBaseFeePerGas) + TIP,
      maxPriorityFeePerGas: TIP,
    });
    await this.#keep({ ...record, transaction: bytes32Of(keccak256(raw)) });
    await mempool.submit(raw);
  }

  async #keep(record: EvidenceRecord): Promise<void> {
    await this.#parts.store.put(record);
    this.#records.set(record.offence.publicKey, record);
  }

  #stateOf({ offence, transaction }: EvidenceRecord, head: BlockHeader | undefined): EvidenceState {
    const { contract, states } = this.#parts;
    if (contract !== undefined && head !== undefined) {
      const standing = readState(states, head.stateRoot, (view) =>
        standingOf(view, contract, offence.account),
      );
      if (standing === "convicted") return "convicted";
      if (standing === "absent") return "not-registered";
    }
    return transaction === undefined ? "kept" : "submitted";
  }

  /** Which turn of the reporters is this one's, for this evidence. */
  #turn({ offence }: EvidenceRecord): number {
    const { signer } = this.#parts;
    const seed = concat(fromHex(signer?.address ?? "0x"), fromHex(`0x${offence.publicKey}`));
    return (keccak256(seed)[0] ?? 0) % TURNS;
  }
}
