import type { Provider } from "@aios/proto/aios/compute/v1/compute";
import {
  type ChainTransaction,
  type GetProtocolResponse,
  TransactionState,
} from "@aios/proto/aios/economy/v1/economy";
import type {
  GetContributionResponse,
  GetReceiptProofResponse,
  Receipt,
} from "@aios/proto/aios/scoring/v1/scoring";
import type { z } from "zod";
import type {
  contributionView,
  protocolView,
  providerView,
  receiptProofView,
  receiptView,
  transactionView,
} from "../schemas/platform.schemas.js";
import { missing } from "./job.views.js";
import { countOrNull, hex, hexOrNull, jsonOrNull, named, textOrNull } from "./scalar.views.js";

const TRANSACTION_STATES = {
  [TransactionState.TRANSACTION_STATE_QUEUED]: "queued",
  [TransactionState.TRANSACTION_STATE_SENT]: "sent",
  [TransactionState.TRANSACTION_STATE_MINED]: "mined",
  [TransactionState.TRANSACTION_STATE_FINAL]: "final",
  [TransactionState.TRANSACTION_STATE_FAILED]: "failed",
} as const;

export function protocolViewOf(answer: GetProtocolResponse): z.infer<typeof protocolView> {
  return {
    chainId: answer.chainId,
    jsonRpcUrl: answer.jsonRpcUrl,
    contracts: answer.contracts,
    accounts: answer.accounts,
    protocolFeeBps: answer.protocolFeeBps,
    challengeWindowSeconds: answer.challengeWindowSeconds,
  };
}

export function transactionViewOf(
  transaction: ChainTransaction | undefined,
): z.infer<typeof transactionView> {
  if (transaction === undefined) throw missing("transaction");
  return {
    transactionId: transaction.transactionId,
    state: named(TRANSACTION_STATES, transaction.state),
    transactionHash: textOrNull(transaction.transactionHash),
    blockNumber: countOrNull(transaction.blockNumber),
    gasUsed: countOrNull(transaction.gasUsed),
    purpose: transaction.purpose,
    error:
      transaction.errorCode === ""
        ? null
        : {
            code: transaction.errorCode,
            message: transaction.errorMessage,
            details: jsonOrNull(transaction.errorDetailsJson),
          },
  };
}

export function providerViewOf(provider: Provider): z.infer<typeof providerView> {
  const { capabilities, selfTest } = provider;
  return {
    address: provider.address,
    name: provider.name,
    online: provider.online,
    draining: provider.draining,
    capabilities:
      capabilities === undefined
        ? null
        : {
            cpuCores: capabilities.cpuCores,
            memoryBytes: capabilities.memoryBytes,
            diskBytes: capabilities.diskBytes,
            gpus: capabilities.gpus,
            jobKinds: capabilities.jobKinds,
            maxParallelJobs: capabilities.maxParallelJobs,
            softwareVersion: capabilities.softwareVersion,
          },
    selfTest:
      selfTest === undefined
        ? null
        : {
            evaluatorMacsPerSecond: selfTest.evaluatorMacsPerSecond,
            trainingSamplesPerSecond: selfTest.trainingSamplesPerSecond,
            resultHash: hex(selfTest.resultHash),
            measuredAtMs: selfTest.measuredAtMs,
            signature: hex(selfTest.signature),
          },
    stakedWei: provider.stakedWei === "" ? "0" : provider.stakedWei,
    registrationTransactionHash: textOrNull(provider.registrationTransactionHash),
    lastSeenMs: provider.lastSeenMs,
    runningJobs: provider.runningJobs,
    priceWei: provider.priceWei,
  };
}

type ReceiptState = z.infer<typeof receiptView>["state"];
const RECEIPT_STATES: readonly ReceiptState[] = ["pending", "anchored", "refused"];

export function receiptViewOf(receipt: Receipt | undefined): z.infer<typeof receiptView> {
  if (receipt === undefined) throw missing("receipt");
  const state = RECEIPT_STATES.find((known) => known === receipt.state);
  if (state === undefined) throw missing("state of the receipt");
  return {
    receiptId: receipt.receiptId,
    kind: receipt.kind,
    jobId: receipt.jobId,
    provider: receipt.provider,
    counterparty: receipt.counterparty,
    message: jsonOrNull(receipt.messageJson),
    providerSignature: hex(receipt.providerSignature),
    countersignedBy: receipt.countersignedBy,
    state,
    refusedBecause: textOrNull(receipt.refusedBecause),
    anchorRoot: hexOrNull(receipt.anchorRoot),
    anchorTransactionHash: textOrNull(receipt.anchorTransactionHash),
  };
}

export function receiptProofViewOf(answer: GetReceiptProofResponse): z.infer<typeof receiptProofView> {
  return {
    receipt: receiptViewOf(answer.receipt),
    batch: answer.batch,
    root: hex(answer.root),
    leafIndex: answer.leafIndex,
    siblings: answer.siblings.map(hex),
  };
}

export function contributionViewOf(answer: GetContributionResponse): z.infer<typeof contributionView> {
  return {
    account: answer.account,
    epoch: answer.epoch,
    level: answer.level,
    levelExplanation: answer.levelExplanation,
    features: answer.features,
    countedReceipts: answer.countedReceipts,
  };
}
