import { permitTypedData } from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { type TypedData, typedDataDigest } from "@aios/core-settlement/signed-data";
import { JOB_KIND, PROVIDER_REGISTRATION_TYPES, signingDomain } from "@aios/core-settlement/typed-data";
import { address, jobId } from "@aios/kernel/identifiers";
import type { Wallet } from "ethers";
import { orderToSign, permitToSign } from "../../src/application/what-to-sign.js";
import type { Job } from "../../src/domain/job.js";
import { leaseTermsFor, offer, ZERO_BYTES32 } from "../../src/domain/job-transitions.js";
import type { ProtocolFacts, SignedRegistration } from "../../src/domain/ports.js";
import { sampleJob, sampleResult } from "./sample-job.js";

const PRICE_WEI = (10n ** 18n).toString();
const PROVIDER = address(`0x${"a1".repeat(20)}`);
type Signer = Pick<Wallet, "address" | "signTypedData">;
let nonces = 0;

const deadlineSeconds = (): string => (Math.floor(Date.now() / 1_000) + 600).toString();
const sign = (signer: Signer, { domain, types, message }: TypedData): Promise<string> =>
  signer.signTypedData(domain, types, { ...message });

/** A training job that its buyer ordered and signed, with the permit that pays for it. */
export async function signedTrainingJob(
  facts: ProtocolFacts,
  buyer: Signer,
  permitNonce: number,
): Promise<Job> {
  nonces += 1;
  const sample = sampleJob("none");
  const { jobEscrow, wrappedAios, receiptRegistry, chainId } = facts;
  const job: Job = {
    ...sample,
    buyer: address(buyer.address),
    kind: "training",
    terms: {
      ...sample.terms,
      order: {
        ...sample.terms.order,
        buyer: address(buyer.address),
        jobKind: Number(JOB_KIND.training),
        modelId: "0",
        licenceId: "0",
        inputCommitment: ZERO_BYTES32,
        verifier: facts.deliveryVerifier,
        matcher: facts.matcher,
        maxPriceWei: PRICE_WEI,
        leaseBy: deadlineSeconds(),
        nonce: nonces.toString(),
      },
      permit: { valueWei: PRICE_WEI, nonce: permitNonce.toString(), deadline: deadlineSeconds() },
      contracts: { chainId, jobEscrow, wrappedAios, receiptRegistry },
    },
  };
  const [order, permit] = [orderToSign(job), permitToSign(job)];
  if (permit === undefined) throw new TypeError("a job with a permit has one to sign");
  return {
    ...job,
    jobId: jobId(typedDataDigest(order)),
    orderSignature: await sign(buyer, order),
    permitSignature: await sign(buyer, permit),
  };
}

/** A provider's registration with the stake that it signed. */
export async function signedRegistration(
  facts: ProtocolFacts,
  provider: Signer,
  stakeWei: string,
): Promise<SignedRegistration> {
  const deadline = deadlineSeconds();
  const registration = {
    provider: address(provider.address),
    stakeWei,
    capabilitiesHash: ZERO_BYTES32,
    selfTestHash: ZERO_BYTES32,
    nonce: "1",
    deadline,
  };
  const permit = permitTypedData(tokenDomain(facts.chainId, facts.wrappedAios), {
    owner: address(provider.address),
    spender: facts.providerRegistry,
    value: stakeWei,
    nonce: "0",
    deadline,
  });
  const data = {
    domain: signingDomain(facts.chainId, facts.providerRegistry),
    types: PROVIDER_REGISTRATION_TYPES,
    message: registration,
  };
  return {
    ...registration,
    signature: await sign(provider, data),
    permitDeadline: deadline,
    permitSignature: await sign(provider, permit),
  };
}

/** A job whose provider delivered this output (0x and 64 hex digits). */
export function deliveredJob(job: Job, output: string): Job {
  const funded: Job = { ...job, state: "funded" };
  const terms = leaseTermsFor(funded, PROVIDER, 10n, 1_000);
  const offered = offer(funded, { provider: PROVIDER, terms, offerExpiresAtMs: 1 }, 0);
  const result = { ...sampleResult(job.jobId, 1), output };
  return {
    ...offered,
    state: "leased",
    leases: offered.leases.map((lease) => ({ ...lease, state: "computed" as const, result })),
  };
}
