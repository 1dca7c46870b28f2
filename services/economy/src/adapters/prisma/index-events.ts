import type { EscrowJobChanged } from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import type { TraceHeaders } from "@aios/service-kit/tracing";
import { inSpan } from "@aios/service-kit/tracing";
import type { Prisma } from "../../../generated/prisma/client.js";
import type { ContractEvent } from "../../domain/chain-block.js";
import { isEnd, jobFromEvents, priceOf, stateAfter } from "../../domain/job-money.js";

type Tx = Prisma.TransactionClient;

export interface PublishContext {
  readonly finalized: boolean;
  /** All stored events about a subject, in chain order. */
  readonly eventsAbout: (subject: string) => Promise<readonly ContractEvent[]>;
  /** The trace of the request that led to a transaction; empty for strangers' transactions. */
  readonly traceOf: (transactionHash: string) => TraceHeaders;
}

/** Publishes what the events of one block mean, each in the trace of the transaction that caused it. */
export async function publishEvents(
  tx: Tx,
  events: readonly ContractEvent[],
  context: PublishContext,
): Promise<void> {
  for (const event of events) {
    const parent = context.traceOf(event.transactionHash);
    const options = Object.keys(parent).length === 0 ? {} : { parent };
    await inSpan(`index ${event.name}`, options, () => publishEvent(tx, event, context));
  }
}

/** Publishes again, now as final, what ended a job. */
export async function publishFinalEvents(
  tx: Tx,
  events: readonly ContractEvent[],
  context: PublishContext,
): Promise<void> {
  const ends = events.filter((event) => {
    const state = stateAfter(event);
    return state !== undefined && isEnd(state);
  });
  await publishEvents(tx, ends, { ...context, finalized: true });
}

async function publishEvent(tx: Tx, event: ContractEvent, context: PublishContext): Promise<void> {
  const transactionHash = event.transactionHash;
  const blockNumber = Number(event.blockNumber);
  switch (`${event.contract}.${event.name}`) {
    case "ModelLicence.ModelPublished":
      await outbox.add(tx, topics.economyModelPublished, {
        modelId: Number(text(event, "modelId")),
        owner: text(event, "owner"),
        modelCommitment: bytes(event, "modelCommitment"),
        verifyingKeyHash: bytes(event, "verifyingKeyHash"),
        honkKeyHash: bytes(event, "honkKeyHash"),
        ceremonyTranscriptHash: bytes(event, "ceremonyTranscriptHash"),
        contentCid: text(event, "contentCid"),
        transactionHash,
        blockNumber,
        licencePriceWei: text(event, "licencePriceWei"),
        usageFeeWei: text(event, "usageFeeWei"),
        royaltyBps: Number(text(event, "royaltyBps")),
      });
      return;
    case "ModelLicence.LicencePurchased":
      await outbox.add(tx, topics.economyLicencePurchased, {
        licenceId: Number(text(event, "licenceId")),
        modelId: Number(text(event, "modelId")),
        owner: text(event, "buyer"),
        priceWei: text(event, "priceWei"),
        transactionHash,
        blockNumber,
      });
      return;
    case "ProviderRegistry.ProviderRegistered":
    case "ProviderRegistry.ProviderUnbonding":
    case "ProviderRegistry.ProviderLeft":
    case "ProviderRegistry.ProviderSlashed":
      await outbox.add(tx, topics.economyProviderChanged, {
        provider: text(event, "provider"),
        // Who left has no stake, whatever amount the event names.
        stakedWei: event.name === "ProviderLeft" ? "0" : text(event, "stakeWei"),
        registered:
          event.name === "ProviderRegistered" ||
          (event.name === "ProviderSlashed" && event.args["active"] === true),
        transactionHash,
        blockNumber,
      });
      return;
    case "ReceiptRegistry.ReceiptsAnchored":
      await outbox.add(tx, topics.economyReceiptsAnchored, {
        batch: Number(text(event, "batch")),
        root: bytes(event, "root"),
        receiptCount: Number(text(event, "receiptCount")),
        transactionHash,
        blockNumber,
      });
      return;
    default:
      if (stateAfter(event) !== undefined) {
        await outbox.add(tx, topics.economyJobChanged, await jobChanged(event, context));
      }
  }
}

/** The job as it stood right after the event; a settlement's price needs the payments that follow it in the block. */
async function jobChanged(event: ContractEvent, context: PublishContext): Promise<EscrowJobChanged> {
  const history = await context.eventsAbout(event.subject);
  const upTo = history.filter((one) => !isAfter(one, event));
  const job = jobFromEvents(upTo);
  const whole = jobFromEvents(history);
  if (job === undefined || whole === undefined)
    throw new Error(`${event.name} of a job that was never opened`);
  return {
    jobId: job.jobId,
    state: job.state,
    buyer: job.buyer,
    provider: job.provider,
    fencingToken: Number(job.fencingToken),
    transactionHash: event.transactionHash,
    blockNumber: Number(event.blockNumber),
    gasUsed: Number(event.gasUsed),
    finalized: context.finalized,
    priceWei: priceOf(job.state === "settled" ? whole : job).toString(),
    chainTimeSeconds: Number(event.timestampSeconds),
    logIndex: event.logIndex,
    receiptHash: job.receiptHash,
    output: job.output,
    outputHash: job.outputHash,
    deadlineSeconds: Number(job.deadlineSeconds),
  };
}

function isAfter(one: ContractEvent, other: ContractEvent): boolean {
  if (one.blockNumber !== other.blockNumber) return one.blockNumber > other.blockNumber;
  return one.logIndex > other.logIndex;
}

function text(event: ContractEvent, name: string): string {
  const value = event.args[name];
  if (typeof value !== "string") throw new TypeError(`${event.name} has no ${name}`);
  return value;
}

function bytes(event: ContractEvent, name: string): Uint8Array {
  return Buffer.from(text(event, name).slice(2), "hex");
}
