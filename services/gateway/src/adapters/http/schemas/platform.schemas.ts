import { z } from "zod";
import { address, bytes32, errorInfo, hexBytes, uint, wei } from "./common.schemas.js";

export const nonceView = z
  .object({ nonce: z.string(), expiresAtMs: uint, chainId: uint })
  .meta({ id: "SignInNonce" });
export const siweBody = z
  .strictObject({ message: z.string().min(1).max(4096), signature: hexBytes.max(1024) })
  .meta({ id: "SignIn", description: "An EIP-4361 message and its EIP-191 signature." });
export const sessionView = z
  .object({ accessToken: z.string(), expiresAtMs: uint, account: address })
  .meta({ id: "Session" });

export const protocolView = z
  .object({
    chainId: uint,
    jsonRpcUrl: z.string(),
    contracts: z.record(z.string(), z.string()),
    accounts: z.record(z.string(), z.string()),
    protocolFeeBps: uint,
    challengeWindowSeconds: uint,
  })
  .meta({ id: "Protocol" });

export const balancesView = z
  .object({
    account: address,
    nativeWei: wei,
    wrappedWei: wei,
    withdrawableWei: wei,
    stakedWei: wei,
    atBlock: uint,
  })
  .meta({ id: "Balances" });

export const transactionView = z
  .object({
    transactionId: z.string(),
    state: z.enum(["queued", "sent", "mined", "final", "failed"]),
    transactionHash: z.string().nullable(),
    blockNumber: uint.nullable(),
    gasUsed: uint.nullable(),
    purpose: z.string(),
    error: errorInfo.nullable(),
  })
  .meta({ id: "ChainTransaction" });

export const providerView = z
  .object({
    address,
    name: z.string(),
    online: z.boolean(),
    draining: z.boolean(),
    capabilities: z
      .object({
        cpuCores: uint,
        memoryBytes: uint,
        diskBytes: uint,
        gpus: z.array(z.string()),
        jobKinds: z.array(z.string()),
        maxParallelJobs: uint,
        softwareVersion: z.string(),
      })
      .nullable(),
    selfTest: z
      .object({
        evaluatorMacsPerSecond: uint,
        trainingSamplesPerSecond: uint,
        resultHash: hexBytes,
        measuredAtMs: uint,
        signature: hexBytes,
      })
      .nullable(),
    stakedWei: wei,
    registrationTransactionHash: z.string().nullable(),
    lastSeenMs: uint,
    runningJobs: uint,
    priceWei: z.record(z.string(), z.string()),
  })
  .meta({ id: "Provider" });
export const providersView = z.object({ providers: z.array(providerView) }).meta({ id: "Providers" });

export const receiptView = z
  .object({
    receiptId: bytes32,
    kind: z.string(),
    jobId: z.string(),
    provider: address,
    counterparty: address,
    message: z.unknown(),
    providerSignature: hexBytes,
    countersignedBy: z.string(),
    state: z.enum(["pending", "anchored", "refused"]),
    refusedBecause: z.string().nullable(),
    anchorRoot: z.string().nullable(),
    anchorTransactionHash: z.string().nullable(),
  })
  .meta({ id: "Receipt" });
export const receiptsView = z.object({ receipts: z.array(receiptView) }).meta({ id: "Receipts" });
export const receiptProofView = z
  .object({ receipt: receiptView, batch: uint, root: hexBytes, leafIndex: uint, siblings: z.array(hexBytes) })
  .meta({ id: "ReceiptProof", description: "Merkle path from a receipt to the root anchored on chain." });

export const contributionView = z
  .object({
    account: address,
    epoch: uint,
    level: uint,
    levelExplanation: z.string(),
    features: z.array(
      z.object({ name: z.string(), unit: z.string(), value: z.string(), explanation: z.string() }),
    ),
    countedReceipts: uint,
  })
  .meta({ id: "Contribution" });

export const healthView = z
  .object({
    status: z.enum(["ok", "degraded"]),
    version: z.string(),
    services: z.array(
      z.object({ name: z.string(), healthy: z.boolean(), detail: z.string(), latencyMs: z.number() }),
    ),
  })
  .meta({ id: "PlatformHealth" });

export const demoView = z.object({ warning: z.string(), privateKey: z.string(), account: address }).meta({
  id: "DemoInfo",
  description: "Present on a local network only, where its operator configured a demo key.",
});

export const rpcBody = z
  .unknown()
  .meta({ id: "JsonRpcRequest", description: "A JSON-RPC 2.0 request, or a batch of them." });
export const rpcView = z
  .unknown()
  .meta({ id: "JsonRpcResponse", description: "A JSON-RPC 2.0 response, or a batch of them." });
