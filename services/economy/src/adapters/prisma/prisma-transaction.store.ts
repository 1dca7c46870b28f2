import { createHash, randomUUID } from "node:crypto";
import { type Address, PLATFORM_TENANT } from "@aios/kernel/identifiers";
import type { Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import type {
  Attempt,
  ChainTransaction,
  Lane,
  SignedTransaction,
  Signer,
  TransactionFailure,
  TransactionRequest,
} from "../../domain/chain-transaction.js";
import {
  gasAllowanceSpent,
  idempotencyKeyReused,
  signerKeyChanged,
  transactionNotFound,
} from "../../domain/errors.js";
import type { Assignment, GasAllowance, TransactionStore } from "../../domain/ports.js";
import { publishEnd } from "./transaction-ended.js";
import { attemptRow, toAttempt, toTransaction } from "./transaction-mapping.js";

export class PrismaTransactionStore implements TransactionStore {
  constructor(private readonly prisma: PrismaClient) {}

  async enqueue(
    request: TransactionRequest,
    nowMs: number,
    allowance?: GasAllowance,
  ): Promise<ChainTransaction> {
    const requestHash = hashOf(request);
    if (allowance === undefined) await insert(this.prisma, request, requestHash, nowMs);
    else {
      await this.prisma.$transaction(async (tx) => {
        await requireAllowance(tx, request, allowance, nowMs);
        await insert(tx, request, requestHash, nowMs);
      });
    }
    // By its id: a service's own key; another tenant's request under it is found here and refused by its hash.
    const row = await this.prisma.queuedTransaction.findUniqueOrThrow({
      where: { caller_idempotencyKey: { caller: request.caller, idempotencyKey: request.idempotencyKey } },
      include: { attempts: true },
    });
    if (row.requestHash !== requestHash) throw idempotencyKeyReused(request.idempotencyKey);
    return toTransaction(row);
  }

  // By its id: nobody can guess it, and who asks for a user compares the tenant.
  async find(idOrHash: string): Promise<ChainTransaction> {
    const wanted = idOrHash.toLowerCase();
    const where = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(wanted)
      ? { id: wanted }
      : { attempts: { some: { hash: wanted } } };
    const row = await this.prisma.queuedTransaction.findFirst({ where, include: { attempts: true } });
    if (row === null) throw transactionNotFound(idOrHash);
    return toTransaction(row);
  }

  // All tenants: one signer sends everybody's transactions in their order.
  async queued(
    signer: Signer,
    lane: Lane,
    after: bigint,
    limit: number,
  ): Promise<readonly ChainTransaction[]> {
    const rows = await this.prisma.queuedTransaction.findMany({
      where: { signer, lane, state: "queued", sequence: { gt: after } },
      orderBy: { sequence: "asc" },
      take: limit,
    });
    return rows.map(toTransaction);
  }

  // All tenants: one signer sends everybody's transactions in their order.
  async countInFlight(signer: Signer): Promise<Readonly<Record<Lane, number>>> {
    const counted = await this.prisma.queuedTransaction.groupBy({
      by: ["lane"],
      where: { signer, state: "sent" },
      _count: true,
    });
    const of = (lane: Lane) => counted.find((group) => group.lane === lane)?._count ?? 0;
    return { money: of("money"), sponsored: of("sponsored") };
  }

  // By their ids: the sender's own, that it has just read. What a service asks for of its own is told apart by subject.
  async missingEarlier(transactionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT later.id FROM queued_transaction AS later
      WHERE later.id = ANY(${[...transactionIds]}::uuid[]) AND (
        EXISTS (
          SELECT 1 FROM queued_transaction AS earlier
          WHERE earlier.state IN ('queued', 'sent')
            AND earlier.subject = later.subject AND earlier.sequence < later.sequence
        ) OR (
          later.tenant NOT LIKE 'service:%' AND EXISTS (
            SELECT 1 FROM queued_transaction AS earlier
            WHERE earlier.state IN ('queued', 'sent')
              AND earlier.tenant = later.tenant AND earlier.sequence < later.sequence
          )
        )
      )`;
    return new Set(rows.map(({ id }) => id));
  }

  async openSigner(signer: Signer, address: Address, chainNonce: bigint): Promise<void> {
    const [account] = await this.prisma.$queryRaw<{ address: string }[]>`
      INSERT INTO signer_account (signer, tenant, address, next_nonce)
      VALUES (${signer}, ${PLATFORM_TENANT}, ${address}, ${chainNonce})
      ON CONFLICT (signer) DO UPDATE
      SET next_nonce = GREATEST(signer_account.next_nonce, EXCLUDED.next_nonce)
      RETURNING address`;
    if (account?.address !== address) throw signerKeyChanged(signer, account?.address ?? "", address);
  }

  // All tenants: one signer sends everybody's transactions in their order.
  assign(
    signer: Signer,
    assignments: readonly Assignment[],
    sign: (transaction: ChainTransaction, nonce: bigint, assignment: Assignment) => SignedTransaction,
    nowMs: number,
  ): Promise<readonly Attempt[]> {
    return this.prisma.$transaction(async (tx) => {
      const [account] = await tx.$queryRaw<{ next_nonce: bigint }[]>`
        SELECT next_nonce FROM signer_account
        WHERE signer = ${signer} AND tenant = ${PLATFORM_TENANT} FOR UPDATE`;
      if (account === undefined) throw new Error(`signer ${signer} was not opened`);
      const byId = new Map(assignments.map((assignment) => [assignment.transactionId, assignment]));
      const rows = await tx.queuedTransaction.findMany({
        where: { id: { in: [...byId.keys()] }, state: "queued" },
        orderBy: { sequence: "asc" },
      });
      const tenantOf = new Map(rows.map(({ id, tenant }) => [id, tenant]));
      const attempts: Attempt[] = [];
      let nonce = account.next_nonce;
      for (const row of rows) {
        const assignment = byId.get(row.id);
        if (assignment === undefined) continue;
        const signed = sign(toTransaction(row), nonce, assignment);
        const attempt: Attempt = {
          ...signed,
          ...assignment.fees,
          transactionId: row.id,
          number: 1,
          createdAtMs: nowMs,
          broadcastAtMs: undefined,
        };
        attempts.push(attempt);
        await tx.queuedTransaction.update({
          where: { id: row.id, tenant: row.tenant },
          data: { state: "sent", nonce, gasLimit: assignment.gasLimit, updatedAtMs: BigInt(nowMs) },
        });
        nonce += 1n;
      }
      await tx.transactionAttempt.createMany({
        data: attempts.map((attempt) => attemptRow(attempt, tenantOf.get(attempt.transactionId) ?? "")),
      });
      await tx.signerAccount.update({
        where: { signer, tenant: PLATFORM_TENANT },
        data: { nextNonce: nonce },
      });
      return attempts;
    });
  }

  // All tenants: one signer sends everybody's transactions in their order.
  async sent(signer: Signer, limit: number) {
    const rows = await this.prisma.queuedTransaction.findMany({
      where: { signer, state: "sent" },
      orderBy: { nonce: "asc" },
      include: { attempts: { orderBy: { number: "asc" } } },
      take: limit,
    });
    return rows.map((row) => ({ transaction: toTransaction(row), attempts: row.attempts.map(toAttempt) }));
  }

  // By its id: the sender's own, that it has just read.
  addAttempt(attempt: Attempt): Promise<boolean> {
    return this.prisma.$transaction(async (tx) => {
      const locked = await lock(tx, attempt.transactionId);
      if (locked?.state !== "sent") return false;
      const newest = await tx.transactionAttempt.count({ where: { transactionId: attempt.transactionId } });
      if (newest !== attempt.number - 1) return false;
      await tx.transactionAttempt.create({ data: attemptRow(attempt, locked.tenant) });
      return true;
    });
  }

  // By its id: the sender's own, that it has just read.
  async markBroadcast(hashes: readonly string[], nowMs: number): Promise<void> {
    await this.prisma.transactionAttempt.updateMany({
      where: { hash: { in: [...hashes] } },
      data: { broadcastAtMs: BigInt(nowMs) },
    });
  }

  fail(transactionId: string, failure: TransactionFailure, nowMs: number): Promise<ChainTransaction> {
    return this.prisma.$transaction(async (tx) => {
      const locked = await lock(tx, transactionId);
      if (locked === undefined) throw transactionNotFound(transactionId);
      const where = { id: transactionId, tenant: locked.tenant };
      const include = { attempts: true };
      if (locked.state !== "queued" && locked.state !== "sent")
        return toTransaction(await tx.queuedTransaction.findUniqueOrThrow({ where, include }));
      const row = await tx.queuedTransaction.update({
        where,
        data: {
          state: "failed",
          errorCode: failure.code,
          errorMessage: failure.message,
          errorDetails: JSON.stringify(failure.details),
          updatedAtMs: BigInt(nowMs),
        },
        include,
      });
      const transaction = toTransaction(row);
      await publishEnd(tx, transaction);
      return transaction;
    });
  }
}

// By its id: the sender's own; what is written after it names the tenant that it finds.
async function lock(
  tx: Prisma.TransactionClient,
  transactionId: string,
): Promise<{ readonly state: string; readonly tenant: string } | undefined> {
  const [row] = await tx.$queryRaw<{ state: string; tenant: string }[]>`
    SELECT state, tenant FROM queued_transaction WHERE id = ${transactionId}::uuid FOR UPDATE`;
  return row;
}

async function insert(
  tx: Prisma.TransactionClient,
  request: TransactionRequest,
  requestHash: string,
  nowMs: number,
): Promise<void> {
  const { to, data, valueWei, ...same } = request;
  await tx.queuedTransaction.createMany({
    data: [
      {
        id: randomUUID(),
        caller: same.caller,
        idempotencyKey: same.idempotencyKey,
        requestHash,
        tenant: same.tenant,
        signer: same.signer,
        contract: same.contract,
        toAddress: to,
        data: Buffer.from(data),
        valueWei: valueWei.toString(),
        purpose: same.purpose,
        subject: same.subject,
        lane: same.lane,
        traceparent: same.traceparent,
        state: "queued",
        createdAtMs: BigInt(nowMs),
        updatedAtMs: BigInt(nowMs),
      },
    ],
    skipDuplicates: true,
  });
}

/** One request of a subject after the other. One that is there already took its gas when it came. */
async function requireAllowance(
  tx: Prisma.TransactionClient,
  { caller, idempotencyKey, subject }: TransactionRequest,
  { gas, sinceMs, gasOfRequest }: GasAllowance,
  nowMs: number,
): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${subject}, 0))`;
  // By its id: a service's own key.
  const known = await tx.queuedTransaction.count({ where: { caller, idempotencyKey } });
  if (known > 0) return;
  // All tenants: a subject is one provider's or one account's. Failed before it was sent, a request took no gas.
  const [spent] = await tx.$queryRaw<{ gas: bigint | null; oldest_ms: bigint | null }[]>`
    SELECT SUM(COALESCE(gas_used, gas_limit, ${gasOfRequest}::bigint))::bigint AS gas, MIN(created_at_ms) AS oldest_ms
    FROM queued_transaction
    WHERE lane = 'sponsored' AND subject = ${subject} AND created_at_ms > ${BigInt(sinceMs)}
      AND NOT (state = 'failed' AND gas_limit IS NULL)`;
  if ((spent?.gas ?? 0n) + gasOfRequest <= gas) return;
  const freeAtMs = Number(spent?.oldest_ms ?? BigInt(nowMs)) + (nowMs - sinceMs);
  throw gasAllowanceSpent(subject, gas, freeAtMs, nowMs);
}

/** What makes two requests the same one; the trace and the time are not part of it. */
function hashOf(request: TransactionRequest): string {
  const parts = [
    request.tenant,
    request.signer,
    request.contract,
    Buffer.from(request.data).toString("hex"),
    request.valueWei.toString(),
    request.purpose,
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
