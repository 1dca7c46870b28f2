import { abi as registryAbi } from "@aios/contracts/abi/receipt-registry";
import { PAYMENT_KINDS } from "@aios/core-settlement/splits";
import { Interface } from "ethers/abi";
import type { JobPayment, Protocol, ReceiptProof } from "../api-types.js";
import type { JsonRpc } from "../json-rpc.js";
import { contractAddress } from "../typed-data-review.js";
import type { ChainEvidence } from "./chain-evidence.js";
import type { VerificationCheck } from "./verification-report.js";

const registry = new Interface(registryAbi);

/** What went into escrow came out again, to the last wei, and the gateway tells the same. */
export function checkPayments(chain: ChainEvidence, shown: readonly JobPayment[]): VerificationCheck {
  const paid = chain.events.filter((event) => event.parsed.name === "JobPayment");
  if (chain.settlement === undefined) {
    return {
      name: "payments",
      ok: undefined,
      how: "The job is not settled: its money is still in escrow or was refunded.",
      evidence: {},
    };
  }
  let escrowed = 0n;
  let released = 0n;
  const evidence: Record<string, string> = {};
  for (const { parsed } of paid) {
    const kind = PAYMENT_KINDS[Number(parsed.args.kind)] ?? "unknown";
    const amount = BigInt(parsed.args.amountWei);
    if (kind === "escrow") escrowed += amount;
    else released += amount;
    evidence[kind] = (BigInt(evidence[kind] ?? "0") + amount).toString();
  }
  const shownOut = shown.filter((payment) => payment.kind !== "escrow" && payment.kind !== "withdrawal");
  const shownTotal = shownOut.reduce((sum, payment) => sum + BigInt(payment.amountWei), 0n);
  return {
    name: "payments",
    ok:
      escrowed > 0n &&
      escrowed === released &&
      escrowed === chain.order.maxPriceWei &&
      shownTotal === released,
    how: "Summed here from the escrow's own events: what went in came out, to the last wei, and the gateway lists the same sum.",
    evidence,
  };
}

/** Exactly one settlement, in a successful transaction below the finalised block. */
export async function checkSettlement(rpc: JsonRpc, chain: ChainEvidence): Promise<VerificationCheck> {
  const { settlement } = chain;
  if (settlement === undefined)
    return { name: "settlement", ok: undefined, how: "The job is not settled yet.", evidence: {} };
  const settlements = chain.events.filter((event) => event.parsed.name === "JobSettled").length;
  const [receipt, finalized] = await Promise.all([
    rpc.receipt(settlement.transactionHash),
    rpc.block("finalized"),
  ]);
  const finalHeight = Number(finalized?.number ?? -1);
  return {
    name: "settlement",
    ok: settlements === 1 && receipt?.status === "0x1" && settlement.blockNumber <= finalHeight,
    how: "Settled once, in a transaction that succeeded, in a block that the chain calls finalised.",
    evidence: {
      transaction: settlement.transactionHash,
      block: settlement.blockNumber.toString(),
      finalized: finalHeight.toString(),
      gasUsed: receipt === null ? "unknown" : Number(receipt.gasUsed).toString(),
      settlements: settlements.toString(),
    },
  };
}

/** The receipt is in the batch whose root is on chain; `proof` is its place there, or why the gateway shows none. */
export async function checkInclusion(
  rpc: JsonRpc,
  protocol: Protocol,
  proof: ReceiptProof | string,
): Promise<VerificationCheck> {
  if (typeof proof === "string" || proof.batch === 0) {
    const said = typeof proof === "string" ? proof : "It waits for the next batch.";
    return {
      name: "receipt-anchored",
      ok: undefined,
      how: `The gateway shows no place of the receipt on chain: ${said}`,
      evidence: {},
    };
  }
  const data = registry.encodeFunctionData("isIncluded", [
    proof.batch,
    proof.receipt.receiptId,
    proof.siblings,
  ]);
  const answer = await rpc.ethCall(contractAddress(protocol, "ReceiptRegistry"), data);
  const [included] = registry.decodeFunctionResult("isIncluded", answer);
  return {
    name: "receipt-anchored",
    ok: included === true,
    how: "The receipt registry on chain was asked whether the Merkle path leads from this receipt to the batch's root.",
    evidence: { batch: proof.batch.toString(), root: proof.root, siblings: proof.siblings.length.toString() },
  };
}
