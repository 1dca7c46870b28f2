import type { JobPayment, Receipt } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import type { RpcLog } from "@aios/sdk/json-rpc";
import { contractAddress } from "@aios/sdk/typed-data-review";
import { until } from "@aios/sdk/until";
import { escrowInterface } from "@aios/sdk/verification/chain-evidence";

/** What became of one order, by the escrow's own events and by what the services say. */
export interface OrderAudit {
  readonly jobId: string;
  /** Of the escrow's events that change the job's state: `<transaction>:<index of the log>`, in their order. */
  readonly changes: readonly string[];
  /** What is not as it has to be, in a sentence each. */
  readonly problems: readonly string[];
}

/** Events that change a job's state. */
const CHANGES = /^Job(Opened|Leased|Delivered|Pending|Settled|Released|Refunded)$/;
const ANCHORED_WITHIN_MS = 120_000;

interface EscrowEvent {
  readonly name: string;
  readonly at: string;
}

/** Reads one order's end over JSON-RPC and from the gateway, and waits until its receipt is anchored. */
export async function auditOrder(buyer: AiosClient, jobId: string): Promise<OrderAudit> {
  const escrow = contractAddress(await buyer.protocol(), "JobEscrow");
  const events = (await buyer.rpc.logs({ address: escrow, topics: [null, jobId] })).flatMap(escrowEvent);
  const [job, payments] = [await buyer.jobs.get(jobId), await buyer.jobs.payments(jobId)];
  const receipts = await anchoredReceipts(buyer, jobId);
  const problems = [
    ...(job.state === "settled" ? [] : [`the gateway calls it ${job.state}`]),
    ...eventProblems(events),
    ...paymentProblems(payments),
    ...receiptProblems(receipts),
  ];
  return {
    jobId,
    changes: events.filter(({ name }) => CHANGES.test(name)).map(({ at }) => at),
    problems: problems.map((problem) => `${jobId}: ${problem}`),
  };
}

/** Orders of this kind that the account has since then and that nobody here placed. */
export async function strangers(
  buyer: AiosClient,
  own: ReadonlySet<string>,
  sinceMs: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await buyer.jobs.list(cursor);
    const recent = page.items.filter(({ createdAtMs }) => createdAtMs >= sinceMs);
    found.push(
      ...recent
        .filter(({ jobId, verification }) => verification === "none" && !own.has(jobId))
        .map(({ jobId }) => `${jobId}: nobody placed it`),
    );
    cursor = recent.length === page.items.length ? (page.nextCursor ?? undefined) : undefined;
  } while (cursor !== undefined);
  return found;
}

export function eventProblems(events: readonly { readonly name: string }[]): readonly string[] {
  const count = (name: string): number => events.filter((event) => event.name === name).length;
  return [
    ...(count("JobOpened") === 1 ? [] : [`opened ${count("JobOpened")} times on chain`]),
    ...(count("JobSettled") === 1 ? [] : [`settled ${count("JobSettled")} times on chain`]),
    ...(count("JobRefunded") === 0 ? [] : [`refunded ${count("JobRefunded")} times on chain`]),
  ];
}

export function paymentProblems(
  payments: readonly Pick<JobPayment, "kind" | "amountWei">[],
): readonly string[] {
  const total = (counts: (kind: string) => boolean): bigint =>
    payments.filter(({ kind }) => counts(kind)).reduce((sum, { amountWei }) => sum + BigInt(amountWei), 0n);
  const paidIn = total((kind) => kind === "escrow");
  const paidOut = total((kind) => kind !== "escrow" && kind !== "withdrawal");
  return paidIn > 0n && paidIn === paidOut ? [] : [`${paidIn} wei went into escrow, ${paidOut} wei came out`];
}

function receiptProblems(receipts: readonly Receipt[]): readonly string[] {
  const states = receipts.map(({ state }) => state).join(", ");
  return states === "anchored" ? [] : [`its receipts: ${states === "" ? "none" : states}`];
}

/** As they are after the time, where they do not come to rest. */
async function anchoredReceipts(buyer: AiosClient, jobId: string): Promise<readonly Receipt[]> {
  let latest: readonly Receipt[] = [];
  const read = async (): Promise<readonly Receipt[]> => {
    latest = await buyer.jobs.receipts(jobId);
    return latest;
  };
  const rested = (all: readonly Receipt[]): boolean =>
    all.length > 0 && all.every(({ state }) => state !== "pending");
  return until(read, rested, { timeoutMs: ANCHORED_WITHIN_MS }).catch(() => latest);
}

function escrowEvent(log: RpcLog): readonly EscrowEvent[] {
  const parsed = escrowInterface.parseLog({ topics: [...log.topics], data: log.data });
  return parsed === null ? [] : [{ name: parsed.name, at: `${log.transactionHash}:${Number(log.logIndex)}` }];
}
