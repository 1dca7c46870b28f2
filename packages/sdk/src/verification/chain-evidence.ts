import { abi as jobEscrowAbi } from "@aios/contracts/abi/job-escrow";
import { type EscrowAction, JOB_ACTIONS } from "@aios/core-settlement/job-state-table";
import type { Delivery, Order } from "@aios/core-settlement/order-digest";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { Interface, type LogDescription, type Result, type TransactionDescription } from "ethers/abi";
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
  readonly settlement: Settlement | undefined;
}

/** How a job was settled, as the escrow's event and the transaction that caused it say. */
export interface Settlement {
  readonly transactionHash: string;
  readonly blockNumber: number;
  /** What made it final; undefined for an action that the escrow does not have. */
  readonly action: EscrowAction | undefined;
  /** What the verifier judged, as 0x hex; undefined where nothing was judged, or where it cannot be read. */
  readonly evidence: string | undefined;
  /** Why the evidence that was judged cannot be read from here, in one sentence. */
  readonly unreadable?: string;
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
  return {
    events,
    order: orderOf(open[0] as Result),
    orderSignature: String(open[1]),
    openedIn: opened.log.transactionHash,
    delivery: deliver === undefined ? undefined : deliveryOf(deliver[0] as Result),
    deliverySignature: deliver === undefined ? undefined : String(deliver[1]),
    deliveredIn: delivered?.log.transactionHash,
    settlement: settled === undefined ? undefined : await settlementOf(rpc, settled),
  };
}

async function settlementOf(rpc: JsonRpc, { log, parsed }: ChainEvent): Promise<Settlement> {
  const action = JOB_ACTIONS[Number(parsed.args.action)];
  const settlement = {
    transactionHash: log.transactionHash,
    blockNumber: Number(log.blockNumber),
    action,
    evidence: undefined,
  };
  // A buyer's word and the end of the window settle without any.
  if (action !== "verify-final") return settlement;
  try {
    const settle = await calldata(rpc, log.transactionHash, "settle");
    return { ...settlement, evidence: String(settle[1]) };
  } catch (error) {
    if (!isCodedError(error) || error.code !== "calldata-unreadable") throw error;
    return { ...settlement, unreadable: error.message };
  }
}

/** Throws `calldata-unreadable`, and what the node answers. */
async function calldata(rpc: JsonRpc, transactionHash: string, functionName: string): Promise<Result> {
  const transaction = await rpc.transaction(transactionHash);
  if (transaction == null)
    throw unreadable(
      `The node that answers does not show the transaction ${transactionHash}, which called the escrow's ${functionName}; ask another one.`,
      { transactionHash, functionName },
    );
  const parsed = parsedCall(transaction.input);
  if (parsed?.name !== functionName)
    throw unreadable(
      `The transaction ${transactionHash} does not call the escrow's ${functionName} directly, so its calldata proves nothing from here.`,
      { transactionHash, functionName },
    );
  return parsed.args;
}

function parsedCall(data: string): TransactionDescription | null {
  try {
    return escrowInterface.parseTransaction({ data });
  } catch {
    return null;
  }
}

function unreadable(message: string, details: Readonly<Record<string, string>>): CodedError {
  return new CodedError({ code: "calldata-unreadable", kind: "conflict", message, details });
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
