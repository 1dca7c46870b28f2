import { JOB_KIND } from "@aios/core-settlement/typed-data";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Protocol, ReceiptProof, Verification } from "../api-types.js";
import type { AiosClient } from "../client.js";
import { verificationBy } from "../verifier-contracts.js";
import { checkCertifiedRecord } from "./certified-record-check.js";
import { type ChainEvidence, readChainEvidence } from "./chain-evidence.js";
import { checkFinality } from "./finality-check.js";
import { type KeyOrigin, keyOrigin } from "./key-origin.js";
import { checkInput, checkProof, isProof, neededEvidenceCheck } from "./proof-checks.js";
import { checkDraw } from "./sample-draw-check.js";
import { checkInclusion, checkPayments, checkSettlement } from "./settlement-checks.js";
import {
  checkDelivery,
  checkOrder,
  checkOutput,
  checkReceiptSignature,
  checkVerifier,
} from "./signature-checks.js";
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
  const way = verificationBy(protocol, chain.order.verifier);
  add(checkOrder(protocol, jobId, chain));
  add(checkVerifier(protocol, job, chain));
  if (chain.order.jobKind === JOB_KIND.inference) add(checkInput(chain, options));
  add(checkDelivery(protocol, chain));
  add(checkOutput(job, chain));
  if (way === "sample") add(await checkDraw(rpc, jobId, job, chain));
  for await (const check of checkProof(rpc, protocol, jobId, chain)) add(check);
  const origin = await originOf(client, protocol, way, chain);
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
  const missing = missingChecks(checks, chain, way);
  return {
    jobId,
    ok: missing.length === 0 && checks.every((check) => check.ok !== false),
    checks,
    missing,
    trusted: [
      finality?.trust ?? ONE_PRODUCER,
      record?.ok === true ? ANSWERS_BEYOND_RECORD : ANSWERS,
      ...trustedIn(way, origin),
    ],
  };
}

/** What a job needs to be called verified, and what of it could not be made: a gateway that withholds it gains nothing. */
function missingChecks(
  checks: readonly VerificationCheck[],
  chain: ChainEvidence,
  way: Verification | undefined,
): readonly string[] {
  const evidence = way === undefined ? undefined : neededEvidenceCheck(chain, way);
  const needed = [
    "verifier",
    "delivery-signature",
    "output",
    ...(evidence === undefined ? [] : [evidence]),
    "settlement",
  ];
  return needed.filter((name) => !checks.some((check) => check.name === name && check.ok !== undefined));
}

const ANSWERS =
  "This gateway's answers about the contracts' addresses, blocks, logs and calldata; ask another node of the chain to be independent of it.";
const ANSWERS_BEYOND_RECORD =
  "This gateway's answers about the contracts' addresses, and about logs and calldata beyond the job's certified record; ask another node of the chain to be independent of it.";
const ONE_PRODUCER =
  "The chain's one block producer, which this gateway says it has: with a single producer, it alone decides what is final.";

/** Of the key in the settling transaction, where a proof settled the job. */
async function originOf(
  client: AiosClient,
  protocol: Protocol,
  way: Verification | undefined,
  { order, settlement }: ChainEvidence,
): Promise<KeyOrigin | undefined> {
  if (
    way === undefined ||
    way === "none" ||
    settlement?.evidence === undefined ||
    !isProof(settlement.evidence)
  )
    return undefined;
  if (way !== "honk") return keyOrigin(client, protocol, order.modelId, settlement.evidence);
  const { honkKeyOrigin, tauG2OnChain } = await import("./honk-checks.js");
  return honkKeyOrigin(await tauG2OnChain(client.rpc, order.verifier));
}

/** The receipt's place in the anchored tree, or why the gateway says that it has none. */
async function receiptProof(client: AiosClient, receiptId: string): Promise<ReceiptProof | string> {
  try {
    return await client.receiptProof(receiptId);
  } catch (error) {
    if (isCodedError(error) && (error.kind === "not-found" || error.kind === "conflict"))
      return error.message;
    throw error;
  }
}

function trustedIn(way: Verification | undefined, origin: KeyOrigin | undefined): readonly string[] {
  return [
    ...(origin === undefined
      ? [unprovenTrust(way)]
      : [
          `The proving key: ${origin.trust}.`,
          ...origin.unchecked,
          "The circuit: that it says what the model computes. Its source and the R1CS are in the repository.",
        ]),
  ];
}

function unprovenTrust(way: Verification | undefined): string {
  switch (way) {
    case "none":
      return "The provider: without a proof, nothing shows that the output is the model's own.";
    case "sample":
      return "The provider: this delivery was not proven, only a random share of deliveries is. The platform, which knows the draw's secret: that it did not choose with the provider what is drawn.";
    case "replicate":
      return "That the two providers did not agree on a wrong output.";
    case "proof":
    case "honk":
      return "Nothing about the output: no proof that settled the job was seen from here.";
    case undefined:
      return "Nothing about the output: the order's verifier is not known here.";
  }
}
