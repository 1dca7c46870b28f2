import { abi as jobEscrowAbi } from "@aios/contracts/abi/job-escrow";
import { abi as providerRegistryAbi } from "@aios/contracts/abi/provider-registry";
import { concat, getBytes, Interface, Signature, toBeHex } from "ethers";
import { outputHashOf } from "../../domain/counted-output.js";
import { type ChainStep, type Job, keptReplica, type Lease, liveLease } from "../../domain/job.js";
import type { SignedRegistration } from "../../domain/ports.js";

const escrow = new Interface(jobEscrowAbi);
const registry = new Interface(providerRegistryAbi);

/** Calldata of a job's step on `JobEscrow`. */
export function escrowCall(job: Job, step: ChainStep, fencingToken: number): Uint8Array {
  return getBytes(encode(job, step, fencingToken));
}

function encode(job: Job, step: ChainStep, fencingToken: number): string {
  const lease = job.leases.find((candidate) => candidate.fencingToken === fencingToken) ?? liveLease(job);
  switch (step) {
    case "open":
      return escrow.encodeFunctionData("open", [job.terms.order, job.orderSignature, permitTuple(job)]);
    case "lease": {
      const { terms, signature } = required(lease);
      return escrow.encodeFunctionData("lease", [terms, signature]);
    }
    case "deliver": {
      const { delivery, deliverySignature } = requiredResult(lease);
      return escrow.encodeFunctionData("deliver", [delivery, deliverySignature]);
    }
    case "release":
      return escrow.encodeFunctionData("release", [job.jobId]);
    case "refute":
      return escrow.encodeFunctionData("refute", [job.jobId, job.proof.refutingOutput, job.proof.evidence]);
    case "settle":
      return escrow.encodeFunctionData("settle", [job.jobId, settlementEvidence(job)]);
    case "finish":
      return escrow.encodeFunctionData("settle", [job.jobId, "0x"]);
    case "accept": {
      const { fencingToken: token } = required(lease);
      const acceptance = { jobId: job.jobId, fencingToken: token, outputHash: outputHashOf(job, lease) };
      return escrow.encodeFunctionData("accept", [acceptance, job.acceptanceSignature]);
    }
    case "refund":
      return escrow.encodeFunctionData("refund", [job.jobId]);
  }
}

/** A proof where there is one, the second provider's signed delivery of a replicated job, or nothing. */
function settlementEvidence(job: Job): string {
  if (job.proof.evidence !== "") return job.proof.evidence;
  const replica = job.verification === "replicate" ? keptReplica(job) : undefined;
  if (replica === undefined) return "0x";
  const { delivery, deliverySignature } = replica.result;
  const { r, s, v } = Signature.from(deliverySignature);
  return concat([toBeHex(BigInt(delivery.fencingToken), 32), delivery.receiptHash, r, s, toBeHex(v, 32)]);
}

/** Calldata of `ProviderRegistry.register`. */
export function registerCall(registration: SignedRegistration): Uint8Array {
  const { provider, stakeWei, capabilitiesHash, selfTestHash, nonce, deadline } = registration;
  const permit = {
    valueWei: stakeWei,
    deadline: registration.permitDeadline,
    signature: registration.permitSignature,
  };
  return getBytes(
    registry.encodeFunctionData("register", [
      { provider, stakeWei, capabilitiesHash, selfTestHash, nonce, deadline },
      registration.signature,
      permit,
    ]),
  );
}

/** An empty signature means: the allowance is already there. */
function permitTuple(job: Job): { valueWei: string; deadline: string; signature: string } {
  const { permit } = job.terms;
  if (permit === undefined) return { valueWei: "0", deadline: "0", signature: "0x" };
  return { valueWei: permit.valueWei, deadline: permit.deadline, signature: job.permitSignature };
}

function required(lease: Lease | undefined): Lease {
  if (lease === undefined) throw new TypeError("the step needs a lease that the job does not have");
  return lease;
}

function requiredResult(lease: Lease | undefined): NonNullable<Lease["result"]> {
  const { result } = required(lease);
  if (result === undefined) throw new TypeError("the step needs a result that the lease does not have");
  return result;
}
