import { PLATFORM_TENANT } from "@aios/kernel/identifiers";
import type { TraceHeaders } from "@aios/service-kit/tracing";
import type { Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import type { ContractEventModel } from "../../../generated/prisma/models.js";
import type { BlockPosition, ChainBlock, ContractEvent } from "../../domain/chain-block.js";
import type { ChainTransaction, TransactionFailure } from "../../domain/chain-transaction.js";
import { chainReplaced } from "../../domain/errors.js";
import type { IndexStore } from "../../domain/ports.js";
import { publishEvents, publishFinalEvents } from "./index-events.js";
import { publishEnd } from "./transaction-ended.js";
import { toTransaction } from "./transaction-mapping.js";

/** Headers kept below finality; only blocks above it can ever be undone. */
const KEPT_HEADERS = 256n;

/** Of the one chain that this database speaks of; what it says belongs to no user. */
const CHAIN = { id: 1, tenant: PLATFORM_TENANT } as const;
const PUBLIC = { tenant: PLATFORM_TENANT } as const;

type Tx = Prisma.TransactionClient;

export class PrismaIndexStore implements IndexStore {
  constructor(private readonly prisma: PrismaClient) {}

  async bind(identity: { readonly chainId: bigint; readonly genesisHash: string }): Promise<void> {
    await this.prisma.chainIdentity.createMany({ data: [{ ...CHAIN, ...identity }], skipDuplicates: true });
    const bound = await this.prisma.chainIdentity.findUniqueOrThrow({ where: CHAIN });
    if (bound.chainId !== identity.chainId || bound.genesisHash !== identity.genesisHash) {
      throw chainReplaced(bound.genesisHash, identity.genesisHash);
    }
  }

  async position(): Promise<BlockPosition | undefined> {
    const newest = await this.prisma.indexedBlock.findFirst({
      where: PUBLIC,
      orderBy: { number: "desc" },
    });
    return newest === null ? undefined : { number: newest.number, hash: newest.hash };
  }

  async finalizedHeight(): Promise<bigint> {
    const bound = await this.prisma.chainIdentity.findUnique({ where: CHAIN });
    return bound?.finalizedHeight ?? -1n;
  }

  async transactionsOf(hashes: readonly string[]): Promise<readonly ChainTransaction[]> {
    const rows = await this.prisma.queuedTransaction.findMany({
      where: { attempts: { some: { hash: { in: [...hashes] } } } },
      include: { attempts: true },
    });
    return rows.map(toTransaction);
  }

  apply(
    block: ChainBlock,
    events: readonly ContractEvent[],
    failures: ReadonlyMap<string, TransactionFailure>,
    finalizedHeight: bigint,
    nowMs: number,
  ): Promise<readonly string[]> {
    return this.prisma.$transaction(async (tx) => {
      const known = await lockFinalizedHeight(tx);
      // Finality that already covers this block is recorded with it, so that nothing is announced twice.
      const finalNow = block.number <= finalizedHeight && known === block.number - 1n;
      await requireParent(tx, block);
      await tx.indexedBlock.create({
        data: {
          ...PUBLIC,
          number: block.number,
          hash: block.hash,
          parentHash: block.parentHash,
          timestampSeconds: block.timestampSeconds,
        },
      });
      if (events.length > 0) await tx.contractEvent.createMany({ data: events.map(eventRow) });
      const moved = await markMined(tx, block, failures, nowMs);
      if (events.length > 0) {
        await publishEvents(tx, events, {
          finalized: finalNow,
          eventsAbout: (subject) => eventsAbout(tx, subject),
          traceOf: await tracesOf(tx, events),
        });
      }
      if (finalNow) {
        await endTransactions(tx, known, block.number, nowMs);
        await setFinalizedHeight(tx, block.number);
      }
      return moved;
    });
  }

  // All tenants: a block that is gone takes everybody's transactions with it.
  undo(blockHash: string, nowMs: number): Promise<readonly string[]> {
    return this.prisma.$transaction(async (tx) => {
      const finalized = await lockFinalizedHeight(tx);
      const block = await tx.indexedBlock.findUnique({ where: { ...PUBLIC, hash: blockHash } });
      if (block === null) return [];
      if (block.number <= finalized) throw chainReplaced(blockHash, `another block ${block.number}`);
      const mined = await tx.queuedTransaction.findMany({ where: { blockHash }, select: { id: true } });
      await tx.queuedTransaction.updateMany({
        where: { blockHash },
        data: {
          state: "sent",
          minedHash: null,
          blockNumber: null,
          blockHash: null,
          gasUsed: null,
          errorCode: null,
          errorMessage: null,
          errorDetails: null,
          updatedAtMs: BigInt(nowMs),
        },
      });
      await tx.contractEvent.deleteMany({ where: { ...PUBLIC, blockHash } });
      await tx.indexedBlock.delete({ where: { ...PUBLIC, hash: blockHash } });
      return mined.map((row) => row.id);
    });
  }

  finalize(height: bigint, nowMs: number): Promise<readonly string[]> {
    return this.prisma.$transaction(async (tx) => {
      const known = await lockFinalizedHeight(tx);
      if (height <= known) return [];
      const moved = await endTransactions(tx, known, height, nowMs);
      const rows = await tx.contractEvent.findMany({
        where: { ...PUBLIC, blockNumber: { gt: known, lte: height } },
        orderBy: [{ blockNumber: "asc" }, { logIndex: "asc" }],
      });
      const events = rows.map(toEvent);
      await publishFinalEvents(tx, events, {
        finalized: true,
        eventsAbout: (subject) => eventsAbout(tx, subject),
        traceOf: await tracesOf(tx, events),
      });
      await setFinalizedHeight(tx, height);
      await tx.indexedBlock.deleteMany({ where: { ...PUBLIC, number: { lt: height - KEPT_HEADERS } } });
      return moved;
    });
  }

  eventsAbout(subject: string): Promise<readonly ContractEvent[]> {
    return eventsAbout(this.prisma, subject);
  }
}

// All tenants: a block that is final ends everybody's transactions.
async function endTransactions(
  tx: Tx,
  above: bigint,
  upTo: bigint,
  nowMs: number,
): Promise<readonly string[]> {
  const ended = await tx.queuedTransaction.findMany({
    where: { state: { in: ["mined", "failed"] }, blockNumber: { gt: above, lte: upTo } },
    orderBy: { sequence: "asc" },
    include: { attempts: true },
  });
  const succeeded = ended.filter((row) => row.state === "mined").map((row) => row.id);
  if (succeeded.length > 0) {
    await tx.queuedTransaction.updateMany({
      where: { id: { in: succeeded } },
      data: { state: "final", updatedAtMs: BigInt(nowMs) },
    });
  }
  for (const row of ended) {
    await publishEnd(tx, toTransaction(row));
  }
  return ended.map((row) => row.id);
}

/** The trace of the request behind each transaction of ours among the events' transactions. */
async function tracesOf(tx: Tx, events: readonly ContractEvent[]): Promise<(hash: string) => TraceHeaders> {
  const hashes = [...new Set(events.map((event) => event.transactionHash))];
  const attempts = await tx.transactionAttempt.findMany({
    where: { hash: { in: hashes } },
    select: { hash: true, transaction: { select: { traceparent: true } } },
  });
  const byHash = new Map(attempts.map((attempt) => [attempt.hash, attempt.transaction.traceparent]));
  return (hash) => {
    const traceparent = byHash.get(hash) ?? "";
    const none: TraceHeaders = {};
    return traceparent === "" ? none : { traceparent };
  };
}

// All tenants: a block has everybody's transactions.
async function markMined(
  tx: Tx,
  block: ChainBlock,
  failures: ReadonlyMap<string, TransactionFailure>,
  nowMs: number,
): Promise<readonly string[]> {
  if (block.receipts.length === 0) return [];
  const receipts = new Map(block.receipts.map((receipt) => [receipt.transactionHash, receipt]));
  const attempts = await tx.transactionAttempt.findMany({ where: { hash: { in: [...receipts.keys()] } } });
  for (const attempt of attempts) {
    const receipt = receipts.get(attempt.hash);
    if (receipt === undefined) continue;
    const failure = receipt.succeeded ? undefined : failures.get(attempt.transactionId);
    await tx.queuedTransaction.update({
      where: { id: attempt.transactionId },
      data: {
        state: receipt.succeeded ? "mined" : "failed",
        minedHash: attempt.hash,
        blockNumber: block.number,
        blockHash: block.hash,
        gasUsed: receipt.gasUsed,
        errorCode: receipt.succeeded ? null : (failure?.code ?? "reverted"),
        errorMessage: receipt.succeeded ? null : (failure?.message ?? "The contract refused the call."),
        errorDetails: receipt.succeeded ? null : JSON.stringify(failure?.details ?? {}),
        updatedAtMs: BigInt(nowMs),
      },
    });
  }
  return attempts.map((attempt) => attempt.transactionId);
}

/** Serialises every change of the index; two processes can never both add a block. */
async function lockFinalizedHeight(tx: Tx): Promise<bigint> {
  const [row] = await tx.$queryRaw<{ finalized_height: bigint }[]>`
    SELECT finalized_height FROM chain_identity WHERE id = 1 AND tenant = ${PLATFORM_TENANT} FOR UPDATE`;
  if (row === undefined) throw new Error("the index is not bound to a chain");
  return row.finalized_height;
}

async function setFinalizedHeight(tx: Tx, height: bigint): Promise<void> {
  await tx.chainIdentity.update({ where: CHAIN, data: { finalizedHeight: height } });
}

async function requireParent(tx: Tx, block: ChainBlock): Promise<void> {
  const newest = await tx.indexedBlock.findFirst({ where: PUBLIC, orderBy: { number: "desc" } });
  const fits = newest === null ? block.number === 0n : newest.hash === block.parentHash;
  if (!fits) throw new Error(`block ${block.number} does not follow the indexed block`);
}

async function eventsAbout(tx: Tx, subject: string): Promise<readonly ContractEvent[]> {
  const rows = await tx.contractEvent.findMany({
    where: { ...PUBLIC, subject },
    orderBy: [{ blockNumber: "asc" }, { logIndex: "asc" }],
  });
  return rows.map(toEvent);
}

function toEvent(row: ContractEventModel): ContractEvent {
  const { tenant, ...event } = row;
  return { ...event, args: JSON.parse(row.args) as ContractEvent["args"] };
}

function eventRow(event: ContractEvent) {
  return { ...event, ...PUBLIC, args: JSON.stringify(event.args) };
}
