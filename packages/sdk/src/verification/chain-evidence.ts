import { abi as jobEscrowAbi } from "@aios/contracts/abi/job-escrow";
import type { Delivery, Order } from "@aios/core-settlement/order-digest";
import { CodedError } from "@aios/kernel/coded-error";
import { Interface, type LogDescription, type Result } from "ethers/abi";
import type { JsonRpc, RpcLog } from "../json-rpc.js";

export const escrowInterface = new Interface(jobEscrowAbi);

export interface ChainEvent {
  readonly log: RpcLog;
  readonly parsed: LogDescription;
}

/** What the chain alone says about a job: its events, and the calldata that caused them. */
export interface ChainEvidence {
  readonly events: readonly ChainEvent[];
  readonly order: Order;
  readonly orderSignature: string;
  readonly openedIn: string;
  readonly delivery: Delivery | undefined;
  readonly deliverySignature: string | undefined;
  readonly deliveredIn: string | undefined;
  readonly settlement:
    | {
        readonly transactionHash: string;
        readonly blockNumber: number;
        readonly evidence: string | undefined;
      }
    | undefined;
}

/** Reads a job's events and calldata over JSON-RPC. Throws `job-not-on-chain`. */
export async function readChainEvidence(rpc: JsonRpc, escrow: string, jobId: string): Promise<ChainEvidence> {
  const logs = await rpc.logs({ address: escrow, topics: [null, jobId] });
  const events = logs
    .map((log) => ({ log, parsed: escrowInterface.parseLog({ topics: [...log.topics], data: log.data }) }))
    .filter((event): event is ChainEvent => event.parsed !== null);
  const named = (name: string): ChainEvent | undefined =>
    events.findLast((event) => event.parsed.name === name);
  const opened = named("JobOpened");
  if (opened === undefined) {
    throw new CodedError({
      code: "job-not-on-chain",
      kind: "not-found",
      message: "The escrow knows no such job: it was never funded, or the job id is wrong.",
      details: { jobId, escrow },
    });
  }
  const open = await calldata(rpc, opened.log.transactionHash, "open");
  const delivered = named("JobDelivered");
  const deliver =
    delivered === undefined ? undefined : await calldata(rpc, delivered.log.transactionHash, "deliver");
  const settled = named("JobSettled");
  const settle =
    settled === undefined
      ? undefined
      : await calldata(rpc, settled.log.transactionHash, "settle").catch(() => undefined);
  return {
    events,
    order: orderOf(open[0] as Result),
    orderSignature: String(open[1]),
    openedIn: opened.log.transactionHash,
    delivery: deliver === undefined ? undefined : deliveryOf(deliver[0] as Result),
    deliverySignature: deliver === undefined ? undefined : String(deliver[1]),
    deliveredIn: delivered?.log.transactionHash,
    settlement:
      settled === undefined
        ? undefined
        : {
            transactionHash: settled.log.transactionHash,
            blockNumber: Number(settled.log.blockNumber),
            evidence: settle === undefined ? undefined : String(settle[1]),
          },
  };
}

async function calldata(rpc: JsonRpc, transactionHash: string, functionName: string): Promise<Result> {
  const transaction = await rpc.transaction(transactionHash);
  const parsed = transaction === null ? null : escrowInterface.parseTransaction({ data: transaction.input });
  if (parsed === null || parsed.name !== functionName) {
    throw new CodedError({
      code: "calldata-unreadable",
      kind: "conflict",
      message: `The transaction ${transactionHash} does not call the escrow's ${functionName} directly, so its calldata proves nothing from here.`,
      details: { transactionHash, functionName },
    });
  }
  return parsed.args;
}

function orderOf(value: Result): Order {
  return {
    buyer: String(value.buyer).toLowerCase(),
    jobKind: Number(value.jobKind),
    modelId: BigInt(value.modelId),
    licenceId: BigInt(value.licenceId),
    requestHash: String(value.requestHash),
    inputCommitment: String(value.inputCommitment),
    verifier: String(value.verifier).toLowerCase(),
    matcher: String(value.matcher).toLowerCase(),
    maxPriceWei: BigInt(value.maxPriceWei),
    leaseBy: BigInt(value.leaseBy),
    deliverWithinSeconds: BigInt(value.deliverWithinSeconds),
    settleWithinSeconds: BigInt(value.settleWithinSeconds),
    nonce: BigInt(value.nonce),
  };
}

function deliveryOf(value: Result): Delivery {
  return {
    jobId: String(value.jobId),
    fencingToken: BigInt(value.fencingToken),
    output: BigInt(value.output),
    outputHash: String(value.outputHash),
    receiptHash: String(value.receiptHash),
  };
}
