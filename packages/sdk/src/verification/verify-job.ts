import { isCodedError } from "@aios/kernel/coded-error";
import type { Protocol, ReceiptProof, Verification } from "../api-types.js";
import type { AiosClient } from "../client.js";
import { checkCertifiedRecord } from "./certified-record-check.js";
import { type ChainEvidence, readChainEvidence } from "./chain-evidence.js";
import { checkFinality } from "./finality-check.js";
import { type KeyOrigin, keyOrigin } from "./key-origin.js";
import { checkInput, checkProof, isProof, isSettledByHonk } from "./proof-checks.js";
import { checkDraw } from "./sample-draw-check.js";
import { checkInclusion, checkPayments, checkSettlement } from "./settlement-checks.js";
import { checkDelivery, checkOrder, checkOutput, checkReceiptSignature } from "./signature-checks.js";
import type { VerificationCheck, VerificationReport, VerifyJobOptions } from "./verification-report.js";

/**
 * Checks a job's whole evidence again from outside: order, delivery and receipt signatures, the output, the proof
 * (Groth16 by @noble/curves, UltraHonk by the verifier's contract run here, with a statement computed here), the receipt's inclusion in the anchored root, the payments'
 * sum, and the settlement. Reads the chain through the gateway's JSON-RPC. Works in Node and in browsers.
 * Throws what the gateway answers where the job is unknown or another account's, and `job-not-on-chain`.
 */
export async function verifyJob(
  client: AiosClient,
  jobId: string,
  options: VerifyJobOptions = {},
): Promise<VerificationReport> {
  const { rpc } = client;
  const checks: VerificationCheck[] = [];
  const add = (check: VerificationCheck): void => {
    checks.push(check);
    options.onCheck?.(check);
  };
  const [protocol, job] = await Promise.all([client.protocol(), client.jobs.get(jobId)]);
  const chainId = Number(await rpc.call<string>("eth_chainId"));
  add({
    name: "chain",
    ok: chainId === protocol.chainId,
    how: "The chain that answers is the one that the platform names.",
    evidence: { chainId: String(chainId), named: String(protocol.chainId) },
  });
  const escrow = protocol.contracts.JobEscrow ?? "";
  const chain = await readChainEvidence(rpc, escrow, jobId);
  add(checkOrder(protocol, jobId, chain));
  if (job.kind === "inference") add(checkInput(chain, options));
  add(checkDelivery(protocol, chain));
  add(checkOutput(job, chain));
  if (job.verification === "sample") add(await checkDraw(rpc, jobId, job, chain));
  for await (const check of checkProof(rpc, protocol, jobId, chain)) add(check);
  const origin = await originOf(client, protocol, job.verification, chain);
  if (origin !== undefined) add(origin.check);
  const [payments, receipts] = await Promise.all([client.jobs.payments(jobId), client.jobs.receipts(jobId)]);
  add(checkPayments(chain, payments));
  add(await checkSettlement(rpc, chain));
  const finality = await checkFinality(rpc, chain);
  if (finality !== undefined) add(finality.check);
  const record =
    finality?.certified === undefined
      ? undefined
      : await checkCertifiedRecord(rpc, { escrow, jobId }, chain, finality.certified);
  if (record !== undefined) add(record);
  const own = receipts.find((receipt) => receipt.receiptId === chain.delivery?.receiptHash) ?? receipts[0];
  if (own === undefined) {
    add({
      name: "receipt-signature",
      ok: undefined,
      how: "No receipt is known for this job yet.",
      evidence: {},
    });
  } else {
    add(checkReceiptSignature(protocol, own, chain));
    add(await checkInclusion(rpc, protocol, await receiptProof(client, own.receiptId)));
  }
  return {
    jobId,
    ok: checks.every((check) => check.ok !== false) && chain.settlement !== undefined,
    checks,
    trusted: [
      finality?.trust ?? ONE_PRODUCER,
      record?.ok === true ? ANSWERS_BEYOND_RECORD : ANSWERS,
      ...trustedIn(job.verification, origin),
    ],
  };
}

const ANSWERS =
  "This gateway's answers about blocks, logs and calldata; ask another node of the chain to be independent of it.";
const ANSWERS_BEYOND_RECORD =
  "This gateway's answers about logs and calldata beyond the job's certified record; ask another node of the chain to be independent of it.";
const ONE_PRODUCER =
  "The chain's one block producer: with a single producer, it alone decides what is final.";

/** Of the key in the settling transaction, where a proof settled the job. */
async function originOf(
  client: AiosClient,
  protocol: Protocol,
  verification: Verification,
  { order, settlement }: ChainEvidence,
): Promise<KeyOrigin | undefined> {
  if (verification === "none" || settlement?.evidence === undefined || !isProof(settlement.evidence))
    return undefined;
  if (!isSettledByHonk(protocol, order.verifier))
    return keyOrigin(client, protocol, order.modelId, settlement.evidence);
  const { honkKeyOrigin, tauG2OnChain } = await import("./honk-checks.js");
  return honkKeyOrigin(await tauG2OnChain(client.rpc, order.verifier));
}

async function receiptProof(client: AiosClient, receiptId: string): Promise<ReceiptProof | undefined> {
  try {
    return await client.receiptProof(receiptId);
  } catch (error) {
    if (isCodedError(error) && (error.kind === "not-found" || error.kind === "conflict")) return undefined;
    throw error;
  }
}

function trustedIn(verification: Verification, origin: KeyOrigin | undefined): readonly string[] {
  return [
    ...(origin === undefined
      ? [unprovenTrust(verification)]
      : [
          `The proving key: ${origin.trust}.`,
          ...origin.unchecked,
          "The circuit: that it says what the model computes. Its source and the R1CS are in the repository.",
        ]),
  ];
}

function unprovenTrust(verification: Verification): string {
  switch (verification) {
    case "none":
      return "The provider: without a proof, nothing shows that the output is the model's own.";
    case "sample":
      return "The provider: this delivery was not proven, only a random share of deliveries is. The platform, which knows the draw's secret: that it did not choose with the provider what is drawn.";
    case "replicate":
      return "That the two providers did not agree on a wrong output.";
    case "proof":
    case "honk":
      return "Nothing about the output yet: no proof has settled the job.";
  }
}
