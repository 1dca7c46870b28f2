import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { address } from "@aios/kernel/identifiers";
import {
  ChainSigner,
  type ChainTransaction,
  type EconomyServiceService,
  TransactionState,
} from "@aios/proto/aios/economy/v1/economy";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { fundingRefusal } from "../../domain/funding-refusal.js";
import type { ChainStep, Job, JobError } from "../../domain/job.js";
import type {
  ChainWriter,
  ProtocolFacts,
  SignedRegistration,
  TransactionOutcome,
} from "../../domain/ports.js";

type EconomyClient = GrpcClient<typeof EconomyServiceService>;

const PROTOCOL_REUSE_MS = 60_000;
const MATCHER_STEPS: ReadonlySet<ChainStep> = new Set(["lease", "release"]);
const PURPOSES: Readonly<Record<ChainStep, string>> = {
  open: "open-job",
  lease: "lease-job",
  deliver: "deliver-result",
  release: "release-job",
  refute: "refute-result",
  settle: "settle-job",
  accept: "accept-job",
  finish: "settle-job",
  refund: "refund-job",
};

export interface EscrowEncoder {
  escrowCall(job: Job, step: ChainStep, fencingToken: number): Uint8Array;
  registerCall(registration: SignedRegistration): Uint8Array;
}

/** The chain through economy's chain-write outbox. */
export class EconomyChainWriter implements ChainWriter {
  readonly #economy: EconomyClient;
  readonly #encoder: EscrowEncoder;
  readonly #clock: Clock;
  #known: { readonly atMs: number; readonly facts: Promise<ProtocolFacts> } | undefined;

  constructor(economy: EconomyClient, encoder: EscrowEncoder, clock: Clock) {
    this.#economy = economy;
    this.#encoder = encoder;
    this.#clock = clock;
  }

  protocol(): Promise<ProtocolFacts> {
    const nowMs = this.#clock.now();
    if (this.#known === undefined || nowMs - this.#known.atMs > PROTOCOL_REUSE_MS) {
      const facts = this.#readProtocol();
      this.#known = { atMs: nowMs, facts };
      facts.catch(() => {
        if (this.#known?.facts === facts) this.#known = undefined;
      });
    }
    return this.#known.facts;
  }

  async submit(
    job: Job,
    step: ChainStep,
    fencingToken: number,
    idempotencyKey: string,
  ): Promise<TransactionOutcome> {
    const { transaction } = await this.#economy.submitTransaction(
      {
        idempotencyKey,
        signer: MATCHER_STEPS.has(step) ? ChainSigner.CHAIN_SIGNER_MATCHER : ChainSigner.CHAIN_SIGNER_RELAYER,
        contract: "JobEscrow",
        data: this.#encoder.escrowCall(job, step, fencingToken),
        valueWei: "0",
        purpose: PURPOSES[step],
        subject: `job:${job.jobId}`,
      },
      { idempotent: true },
    );
    return outcomeOf(transaction);
  }

  async simulateOpen(job: Job): Promise<JobError | undefined> {
    const refused = await this.#simulate("JobEscrow", this.#encoder.escrowCall(job, "open", 0));
    return refused === undefined ? undefined : fundingRefusal(refused);
  }

  simulateRegistration(registration: SignedRegistration): Promise<JobError | undefined> {
    return this.#simulate("ProviderRegistry", this.#encoder.registerCall(registration));
  }

  async #simulate(contract: string, data: Uint8Array): Promise<JobError | undefined> {
    const answer = await this.#economy.simulateTransaction(
      { signer: ChainSigner.CHAIN_SIGNER_RELAYER, contract, data, valueWei: "0" },
      { idempotent: true },
    );
    if (answer.succeeds) return undefined;
    const { errorCode: code, errorMessage: message, errorDetailsJson: detailsJson } = answer;
    return { code, message, detailsJson };
  }

  async outcome(transactionId: string): Promise<TransactionOutcome> {
    const { transaction } = await this.#economy.getTransaction({ transactionId });
    return outcomeOf(transaction);
  }

  async register(registration: SignedRegistration, idempotencyKey: string): Promise<TransactionOutcome> {
    const { transaction } = await this.#economy.submitTransaction(
      {
        idempotencyKey,
        signer: ChainSigner.CHAIN_SIGNER_RELAYER,
        contract: "ProviderRegistry",
        data: this.#encoder.registerCall(registration),
        valueWei: "0",
        purpose: "register-provider",
        subject: `provider:${registration.provider}`,
      },
      { idempotent: true },
    );
    return outcomeOf(transaction);
  }

  async #readProtocol(): Promise<ProtocolFacts> {
    const { chainId, contracts, accounts, protocolFeeBps, challengeWindowSeconds } =
      await this.#economy.getProtocol({});
    const contract = (name: string) => named(contracts, name, `The contract ${name} is not deployed yet.`);
    return {
      chainId,
      contracts,
      protocolFeeBps,
      challengeWindowSeconds,
      jobEscrow: contract("JobEscrow"),
      wrappedAios: contract("WrappedAios"),
      receiptRegistry: contract("ReceiptRegistry"),
      providerRegistry: contract("ProviderRegistry"),
      proofVerifier: contract("Groth16ResultVerifier"),
      honkVerifier: contract("HonkResultVerifier"),
      deliveryVerifier: contract("DeliveryResultVerifier"),
      sampleVerifier: contract("SampledResultVerifier"),
      replicaVerifier: contract("ReplicatedResultVerifier"),
      matcher: named(accounts, "matcher", "The platform's matcher account is not known yet."),
    };
  }
}

function named(
  entries: Readonly<Record<string, string>>,
  name: string,
  message: string,
): ReturnType<typeof address> {
  const value = entries[name];
  if (value !== undefined) return address(value, name);
  throw new CodedError({ code: "protocol-incomplete", kind: "unavailable", message, retryAfterMs: 1_000 });
}

function outcomeOf(transaction: ChainTransaction | undefined): TransactionOutcome {
  const { transactionId = "", transactionHash = "", state } = transaction ?? {};
  if (state === TransactionState.TRANSACTION_STATE_FAILED) {
    const error = {
      code: transaction?.errorCode || "reverted",
      message: transaction?.errorMessage || "The chain refused the transaction.",
      detailsJson: transaction?.errorDetailsJson || "{}",
    };
    return { transactionId, transactionHash, state: "failed", error };
  }
  const ended =
    state === TransactionState.TRANSACTION_STATE_MINED || state === TransactionState.TRANSACTION_STATE_FINAL;
  return { transactionId, transactionHash, state: ended ? "succeeded" : "running", error: undefined };
}
