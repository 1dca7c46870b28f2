import { abi as jobEscrowAbi } from "@aios/contracts/abi/job-escrow";
import { abi as providerRegistryAbi } from "@aios/contracts/abi/provider-registry";
import { abi as wrappedAiosAbi } from "@aios/contracts/abi/wrapped-aios";
import {
  ACCEPTANCE_TYPES,
  DELIVERY_TYPES,
  JOB_KIND,
  LEASE_TERMS_TYPES,
  ORDER_TYPES,
  PERMIT_TYPES,
  PROVIDER_REGISTRATION_TYPES,
  RECEIPT_KINDS,
  RECEIPT_TYPES,
  signingDomain,
  type TypedDataTypes,
} from "@aios/core-settlement/typed-data";
import {
  ChainSigner,
  type EconomyServiceService,
  TransactionState,
} from "@aios/proto/aios/economy/v1/economy";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import {
  Contract,
  getBytes,
  hexlify,
  Interface,
  type JsonRpcProvider,
  keccak256,
  parseEther,
  randomBytes,
  TypedDataEncoder,
  toUtf8Bytes,
  type Wallet,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { ACCOUNTS } from "./test-chain.js";

const escrow = new Interface(jobEscrowAbi);
const registry = new Interface(providerRegistryAbi);

const MAX_PRICE_WEI = parseEther("10");
export const PROVIDER_PRICE_WEI = parseEther("4");

type Economy = GrpcClient<typeof EconomyServiceService>;
type Message = Readonly<Record<string, unknown>>;

export interface OpenJob {
  readonly jobId: string;
  readonly receipt: Message;
  readonly receiptDigest: string;
  readonly receiptSignature: string;
  readonly outputHash: string;
}

/** Plays buyer, provider and compute of a training job (no proof, settled by acceptance) through economy's outbox. */
export class EscrowScenario {
  constructor(
    private readonly economy: Economy,
    private readonly provider: JsonRpcProvider,
    private readonly contracts: Readonly<Record<string, string>>,
  ) {}

  async #send(
    key: string,
    contract: string,
    signer: ChainSigner,
    data: string,
    purpose: string,
  ): Promise<void> {
    const call = { signer, contract, data: getBytes(data), valueWei: "0" };
    const request = { idempotencyKey: key, ...call, purpose, subject: "" };
    const { transaction } = await this.economy.submitTransaction(request, { idempotent: true });
    const transactionId = transaction?.transactionId ?? "";
    for await (const { transaction: now } of this.economy.watchTransaction({ transactionId })) {
      if (now?.state === TransactionState.TRANSACTION_STATE_FAILED)
        throw new Error(`${purpose}: ${now.errorMessage}`);
    }
  }

  #domain(contract: string) {
    const { name, version, chainId, verifyingContract } = signingDomain(
      31_337n,
      this.contracts[contract] ?? "",
    );
    return { name, version, chainId, verifyingContract };
  }

  #sign(signer: Wallet, contract: string, types: TypedDataTypes, message: Message): Promise<string> {
    return signer.signTypedData(this.#domain(contract), types, message);
  }

  async #permit(owner: Wallet, spender: string, valueWei: bigint, deadline: number) {
    const address = this.contracts["WrappedAios"] ?? "";
    const nonce: unknown = await new Contract(address, wrappedAiosAbi, this.provider).getFunction("nonces")(
      owner.address,
    );
    const domain = { name: "Wrapped AIOS", version: "1", chainId: 31_337n, verifyingContract: address };
    const message = { owner: owner.address, spender, value: valueWei, nonce, deadline };
    return { valueWei, deadline, signature: await owner.signTypedData(domain, PERMIT_TYPES, message) };
  }

  async registerProvider(): Promise<void> {
    const deadline = Math.floor(Date.now() / 1_000) + 3_600;
    const registration = {
      provider: ACCOUNTS.provider.address,
      stakeWei: parseEther("100"),
      capabilitiesHash: keccak256(toUtf8Bytes("capabilities")),
      selfTestHash: keccak256(toUtf8Bytes("self-test")),
      nonce: BigInt(hexlify(randomBytes(8))),
      deadline,
    };
    const signature = await this.#sign(
      ACCOUNTS.provider,
      "ProviderRegistry",
      PROVIDER_REGISTRATION_TYPES,
      registration,
    );
    const permit = await this.#permit(
      ACCOUNTS.provider,
      this.contracts["ProviderRegistry"] ?? "",
      registration.stakeWei,
      deadline,
    );
    const data = registry.encodeFunctionData("register", [registration, signature, permit]);
    await this.#send(
      "register",
      "ProviderRegistry",
      ChainSigner.CHAIN_SIGNER_RELAYER,
      data,
      "register-provider",
    );
  }

  /** Funds, leases and delivers. The delivery names the receipt. */
  async deliverJob(): Promise<OpenJob> {
    const now = Math.floor(Date.now() / 1_000);
    const buyer = ACCOUNTS.business;
    const order = {
      buyer: buyer.address,
      jobKind: JOB_KIND.training,
      modelId: 0,
      licenceId: 0,
      requestHash: keccak256(randomBytes(32)),
      inputCommitment: ZeroHash,
      verifier: this.contracts["DeliveryResultVerifier"],
      matcher: ACCOUNTS.matcher.address,
      maxPriceWei: MAX_PRICE_WEI,
      leaseBy: now + 600,
      deliverWithinSeconds: 600,
      settleWithinSeconds: 600,
      nonce: BigInt(hexlify(randomBytes(8))),
    };
    const jobId = TypedDataEncoder.hash(this.#domain("JobEscrow"), ORDER_TYPES, order);
    const permit = await this.#permit(buyer, this.contracts["JobEscrow"] ?? "", MAX_PRICE_WEI, now + 600);
    const orderSignature = await this.#sign(buyer, "JobEscrow", ORDER_TYPES, order);
    const { CHAIN_SIGNER_RELAYER: relayer, CHAIN_SIGNER_MATCHER: matcher } = ChainSigner;
    const openCall = escrow.encodeFunctionData("open", [order, orderSignature, permit]);
    await this.#send(`open:${jobId}`, "JobEscrow", relayer, openCall, "open-job");

    const terms = {
      jobId,
      provider: ACCOUNTS.provider.address,
      prover: ZeroAddress,
      fencingToken: 1,
      providerPriceWei: PROVIDER_PRICE_WEI,
      proverFeeWei: 0,
      acceptBy: now + 600,
    };
    const termsSignature = await this.#sign(ACCOUNTS.provider, "JobEscrow", LEASE_TERMS_TYPES, terms);
    const leaseCall = escrow.encodeFunctionData("lease", [terms, termsSignature]);
    await this.#send(`lease:${jobId}`, "JobEscrow", matcher, leaseCall, "lease-job");

    const outputHash = keccak256(randomBytes(32));
    const receipt = {
      kind: RECEIPT_KINDS["training-round"],
      jobId,
      provider: ACCOUNTS.provider.address.toLowerCase(),
      counterparty: buyer.address.toLowerCase(),
      modelCommitment: ZeroHash,
      inputCommitment: ZeroHash,
      outputHash,
      startedAtMs: Date.now() - 500,
      finishedAtMs: Date.now(),
      promisedMs: 1_000,
      workUnits: 7_000,
      storedBytes: 400_000,
      priceWei: PROVIDER_PRICE_WEI.toString(),
    };
    const receiptDigest = TypedDataEncoder.hash(this.#domain("ReceiptRegistry"), RECEIPT_TYPES, receipt);
    const receiptSignature = await this.#sign(ACCOUNTS.provider, "ReceiptRegistry", RECEIPT_TYPES, receipt);
    const delivery = { jobId, fencingToken: 1, output: 0, outputHash, receiptHash: receiptDigest };
    const deliverySignature = await this.#sign(ACCOUNTS.provider, "JobEscrow", DELIVERY_TYPES, delivery);
    const deliverCall = escrow.encodeFunctionData("deliver", [delivery, deliverySignature]);
    await this.#send(`deliver:${jobId}`, "JobEscrow", relayer, deliverCall, "deliver-result");
    return { jobId, receipt, receiptDigest, receiptSignature, outputHash };
  }

  /** The buyer accepts: the job is settled. */
  async accept(job: OpenJob): Promise<void> {
    const acceptance = { jobId: job.jobId, fencingToken: 1, outputHash: job.outputHash };
    const signature = await this.#sign(ACCOUNTS.business, "JobEscrow", ACCEPTANCE_TYPES, acceptance);
    const data = escrow.encodeFunctionData("accept", [acceptance, signature]);
    await this.#send(
      `accept:${job.jobId}`,
      "JobEscrow",
      ChainSigner.CHAIN_SIGNER_RELAYER,
      data,
      "accept-job",
    );
  }
}
