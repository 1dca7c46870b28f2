import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { abi as escrowAbi } from "@aios/contracts/abi/job-escrow";
import { abi as registryAbi } from "@aios/contracts/abi/provider-registry";
import { abi as tokenAbi } from "@aios/contracts/abi/wrapped-aios";
import { deliveryTypedData, type Order, orderTypedData } from "@aios/core-settlement/order-digest";
import { signerOf } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { CodedError } from "@aios/kernel/coded-error";
import {
  ChainSigner,
  type ChainTransaction,
  type SubmitTransactionRequest,
  TransactionState,
} from "@aios/proto/aios/economy/v1/economy";
import type { EscrowJobChanged } from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import type { EventBus } from "@aios/service-kit/event-bus";
import type { Peer } from "@aios/testkit/peer";
import {
  concat,
  dataLength,
  dataSlice,
  Interface,
  type InterfaceAbi,
  keccak256,
  type TransactionDescription,
  TypedDataEncoder,
  toBeHex,
} from "ethers";

export const CHAIN_ID = 31_337;
export const CONTRACTS = {
  JobEscrow: `0x${"e1".repeat(20)}`,
  WrappedAios: `0x${"e2".repeat(20)}`,
  ReceiptRegistry: `0x${"e3".repeat(20)}`,
  ProviderRegistry: `0x${"e4".repeat(20)}`,
  Groth16ResultVerifier: `0x${"e5".repeat(20)}`,
  DeliveryResultVerifier: `0x${"e6".repeat(20)}`,
  SampledResultVerifier: `0x${"e7".repeat(20)}`,
  ReplicatedResultVerifier: `0x${"e8".repeat(20)}`,
  HonkResultVerifier: `0x${"e9".repeat(20)}`,
} as const;
export const MATCHER = `0x${"ac".repeat(20)}`;
const MINED_AFTER_MS = 15;
const MOST_BLOCKS = 1_000_000;

interface EscrowJob {
  state: "funded" | "leased" | "delivered" | "pending" | "settled" | "refunded";
  readonly buyer: string;
  readonly verifier: string;
  readonly deliverWithinSeconds: number;
  readonly leaseBy: number;
  provider: string;
  prover: string;
  fencingToken: number;
  deliverBy: number;
  deliveredAt: number;
  output: bigint;
  outputHash: string;
}

/** JobEscrow's rules in memory, behind economy's interface: enough to tell whether compute plays by them. */
export class FakeChain implements Peer {
  readonly jobs = new Map<string, EscrowJob>();
  /** Every settlement: more than one entry of a job would be a double payment. */
  readonly payments: { readonly jobId: string; readonly provider: string }[] = [];
  readonly activeProviders = new Set<string>();
  /** Providers that have left the registry: their signatures settle nothing. */
  readonly departed = new Set<string>();
  challengeWindowSeconds = 1;
  /** Accounts that hold nothing. */
  readonly penniless = new Set<string>();
  /** Every call that was submitted, by purpose. */
  readonly submitted: string[] = [];
  /** What the token counts of every account's permits. */
  permitNonce = 0n;
  /** Reasons with which simulations of `open` fail, by buyer. */
  readonly refusedBuyers = new Map<string, string>();
  /** Buyers whose next `open` finds, when it is mined, that another permit was used first. */
  readonly overtakenBuyers = new Set<string>();
  readonly #transactions = new Map<string, ChainTransaction>();
  /** Call data by idempotency key. */
  readonly #asked = new Map<string, string>();
  readonly #bus: EventBus;
  readonly #escrow = new Interface(escrowAbi as InterfaceAbi);
  readonly #registry = new Interface(registryAbi as InterfaceAbi);
  readonly #token = new Interface(tokenAbi as InterfaceAbi);
  #block = 1;
  #server: Server | undefined;
  #port = 0;

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  submit(request: SubmitTransactionRequest): ChainTransaction {
    const known = this.#transactions.get(request.idempotencyKey);
    const asked = hex(request.data);
    if (known !== undefined && this.#asked.get(request.idempotencyKey) === asked) return known;
    if (known !== undefined) {
      throw new CodedError({
        code: "idempotency-key-reused",
        kind: "conflict",
        message: "This key was used for another transaction.",
      });
    }
    this.#asked.set(request.idempotencyKey, asked);
    this.submitted.push(request.purpose);
    const transaction: ChainTransaction = {
      transactionId: request.idempotencyKey,
      state: TransactionState.TRANSACTION_STATE_SENT,
      transactionHash: transactionHashOf(),
      blockNumber: 0,
      gasUsed: 0,
      purpose: request.purpose,
      errorCode: "",
      errorMessage: "",
      errorDetailsJson: "",
    };
    this.#transactions.set(request.idempotencyKey, transaction);
    setTimeout(() => void this.#mine(request, transaction), MINED_AFTER_MS);
    return transaction;
  }

  find(transactionId: string): ChainTransaction | undefined {
    return this.#transactions.get(transactionId);
  }

  async #mine(request: SubmitTransactionRequest, transaction: ChainTransaction): Promise<void> {
    const blockNumber = this.#block++;
    const chainTimeSeconds = Math.floor(Date.now() / 1_000);
    let failure = "";
    try {
      const changed =
        request.contract === "ProviderRegistry"
          ? this.#register(request)
          : this.#apply(
              { data: request.data, byMatcher: request.signer === ChainSigner.CHAIN_SIGNER_MATCHER },
              chainTimeSeconds,
            );
      if (changed !== undefined) {
        const { transactionHash } = transaction;
        await this.#publishJob(changed, { transactionHash, blockNumber, chainTimeSeconds, logIndex: 0 });
      }
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    const state =
      failure === "" ? TransactionState.TRANSACTION_STATE_FINAL : TransactionState.TRANSACTION_STATE_FAILED;
    this.#transactions.set(request.idempotencyKey, {
      ...transaction,
      state,
      blockNumber,
      errorCode: failure === "" ? "" : "reverted",
      errorMessage: failure,
      errorDetailsJson: failure === "" ? "" : JSON.stringify({ error: failure, args: [] }),
    });
    await this.#publish(topics.economyTransactionEnded, {
      transactionId: transaction.transactionId,
      idempotencyKey: request.idempotencyKey,
      purpose: request.purpose,
      succeeded: failure === "",
      transactionHash: transaction.transactionHash,
      blockNumber,
      gasUsed: 100_000,
      errorCode: failure === "" ? "" : "reverted",
      errorMessage: failure,
      errorDetailsJson: failure === "" ? "" : JSON.stringify({ error: failure, args: [] }),
    });
  }

  /** Calls by somebody who asks no relayer, in this order and in one block. Throws what the escrow refuses. */
  async callInOneBlock(calls: readonly string[]): Promise<void> {
    const [blockNumber, chainTimeSeconds] = [this.#block++, Math.floor(Date.now() / 1_000)];
    for (const [logIndex, data] of calls.entries()) {
      const changed = this.#apply(
        { data: Buffer.from(data.slice(2), "hex"), byMatcher: false },
        chainTimeSeconds,
      );
      const transactionHash = transactionHashOf();
      await this.#publishJob(changed, { transactionHash, blockNumber, chainTimeSeconds, logIndex });
    }
  }

  #publishJob(
    [jobId, job]: readonly [string, EscrowJob],
    at: Pick<EscrowJobChanged, "transactionHash" | "blockNumber" | "chainTimeSeconds" | "logIndex">,
  ): Promise<void> {
    const isDelivered = ["delivered", "pending", "settled"].includes(job.state);
    return this.#publish(topics.economyJobChanged, {
      ...at,
      jobId,
      state: job.state,
      buyer: job.buyer,
      provider: job.provider,
      fencingToken: job.fencingToken,
      gasUsed: 100_000,
      finalized: false,
      priceWei: "0",
      receiptHash: "",
      output: isDelivered ? toBeHex(job.output, 32) : "",
      outputHash: isDelivered ? job.outputHash : "",
      deadlineSeconds: job.state === "pending" ? this.#pendingUntil(job) : 0,
    });
  }

  #register(request: SubmitTransactionRequest): undefined {
    const call = this.#registry.parseTransaction({ data: hex(request.data) });
    this.activeProviders.add(String(call?.args[0].provider).toLowerCase());
  }

  #apply(
    { data, byMatcher: matcher }: { readonly data: Uint8Array; readonly byMatcher: boolean },
    now: number,
  ): [string, EscrowJob] {
    const call = this.#escrow.parseTransaction({ data: hex(data) });
    if (call === null) throw new Error("UnknownFunction");
    if (call.name === "open") return this.#open(call);
    const jobId = String(typeof call.args[0] === "string" ? call.args[0] : call.args[0].jobId);
    const job = this.jobs.get(jobId);
    if (job === undefined) throw new Error("JobUnknown");
    switch (call.name) {
      case "lease": {
        const [terms] = call.args;
        must(job.state === "funded", "TransitionNotAllowed");
        must(matcher, "NotMatcher");
        must(now <= job.leaseBy, "LeaseTooLate");
        must(Number(terms.fencingToken) > job.fencingToken, "StaleFencingToken");
        Object.assign(job, {
          state: "leased",
          provider: String(terms.provider).toLowerCase(),
          prover: String(terms.prover).toLowerCase(),
          fencingToken: Number(terms.fencingToken),
          deliverBy: now + job.deliverWithinSeconds,
        });
        break;
      }
      case "deliver": {
        const [delivery] = call.args;
        must(job.state === "leased", "TransitionNotAllowed");
        must(Number(delivery.fencingToken) === job.fencingToken, "StaleFencingToken");
        must(now <= job.deliverBy, "DeliveryTooLate");
        Object.assign(job, {
          state: "delivered",
          deliveredAt: now,
          output: BigInt(delivery.output),
          outputHash: String(delivery.outputHash),
        });
        break;
      }
      case "release":
        must(job.state === "leased" && matcher, "TransitionNotAllowed");
        Object.assign(job, { state: "funded", provider: "" });
        break;
      case "refute": {
        const [, provenOutput, evidence] = call.args;
        must(job.state === "delivered" || job.state === "pending", "TransitionNotAllowed");
        must(job.state === "delivered" || now < this.#pendingUntil(job), "ChallengeWindowOver");
        must(provenOutput !== job.output, "OutputAsDelivered");
        must(evidence === evidenceOf(jobId, provenOutput), "NotRefuted");
        Object.assign(job, { state: "funded", provider: "", output: 0n });
        break;
      }
      case "settle":
        this.#settle(job, jobId, String(call.args[1]), now);
        break;
      case "accept":
        must(job.state === "delivered" || job.state === "pending", "TransitionNotAllowed");
        this.#pay(jobId, job);
        break;
      case "refund":
        must(
          job.state === "funded" ? now > job.leaseBy : job.state === "leased" && now > job.deliverBy,
          "NotRefundableYet",
        );
        job.state = "refunded";
        break;
      default:
        throw new Error(`Unexpected ${call.name}`);
    }
    return [jobId, job];
  }

  #open(call: TransactionDescription): [string, EscrowJob] {
    const order = call.args[0].toObject() as Record<string, unknown>;
    const data = orderTypedData(signingDomain(CHAIN_ID, CONTRACTS.JobEscrow), order as unknown as Order);
    const jobId = TypedDataEncoder.hash(data.domain, data.types, order);
    must(!this.jobs.has(jobId), "TransitionNotAllowed");
    must(!this.overtakenBuyers.delete(String(order["buyer"]).toLowerCase()), "InsufficientAllowance");
    const job: EscrowJob = {
      state: "funded",
      buyer: String(order["buyer"]).toLowerCase(),
      verifier: String(order["verifier"]).toLowerCase(),
      deliverWithinSeconds: Number(order["deliverWithinSeconds"]),
      leaseBy: Number(order["leaseBy"]),
      provider: "",
      fencingToken: 0,
      deliverBy: 0,
      deliveredAt: 0,
      prover: "",
      output: 0n,
      outputHash: "",
    };
    this.jobs.set(jobId, job);
    return [jobId, job];
  }

  #settle(job: EscrowJob, jobId: string, evidence: string, now: number): void {
    if (job.state === "pending") {
      must(now >= this.#pendingUntil(job), "ChallengeWindowOpen");
      this.#pay(jobId, job);
      return;
    }
    must(job.state === "delivered", "TransitionNotAllowed");
    const isByWord = job.verifier === CONTRACTS.SampledResultVerifier && evidence === "0x";
    if (job.verifier === CONTRACTS.DeliveryResultVerifier || isByWord) {
      job.state = "pending";
      return;
    }
    const isReplica = job.verifier === CONTRACTS.ReplicatedResultVerifier && dataLength(evidence) === 160;
    const isFinal = isReplica
      ? this.#isSecond(job, replicaOf(jobId, job.output, evidence))
      : evidence === evidenceOf(jobId, job.output);
    must(isFinal, "ResultInvalid");
    this.#pay(jobId, job);
  }

  #pendingUntil(job: EscrowJob): number {
    return job.deliveredAt + this.challengeWindowSeconds;
  }

  #isSecond({ prover }: EscrowJob, signer: string): boolean {
    return signer === prover && !this.departed.has(signer);
  }

  #pay(jobId: string, job: EscrowJob): void {
    job.state = "settled";
    this.payments.push({ jobId, provider: job.provider });
  }

  /** JSON-RPC with the reads that compute makes, on `port`; 0 picks a free one. */
  async listen(port = 0): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { id, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
          id: number;
          params: [{ data: string } | string];
        };
        const [asked] = params;
        const result = typeof asked === "string" ? blockOf(Number(asked)) : this.#read(asked.data);
        response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
      });
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.#port}`;
  }

  async kill(): Promise<void> {
    this.close();
  }

  async restart(): Promise<void> {
    await this.listen(this.#port);
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  #read(data: string): string {
    for (const contract of [this.#token, this.#registry]) {
      const call = contract.parseTransaction({ data });
      if (call === null) continue;
      const account = (call.args.length === 0 ? "" : String(call.args[0])).toLowerCase();
      const active = this.activeProviders.has(account);
      const answers: Record<string, unknown> = {
        nonces: this.permitNonce,
        allowance: 0n,
        balanceOf: this.penniless.has(account) ? 0n : 1_000n,
        isActive: active,
        stakeOf: active ? 100n : 0n,
        minimumStakeWei: 100n,
      };
      return contract.encodeFunctionResult(call.name, [answers[call.name]]);
    }
    throw new Error("unknown call");
  }

  async #publish<T>(
    topic: { name: string; key(message: T): string; codec: { encode(message: T): { finish(): Uint8Array } } },
    message: T,
  ): Promise<void> {
    await this.#bus.publish([
      {
        id: randomUUID(),
        topic: topic.name,
        key: topic.key(message),
        payload: topic.codec.encode(message).finish(),
        headers: {},
      },
    ]);
  }
}

function transactionHashOf(): string {
  return `0x${randomUUID().replaceAll("-", "").padEnd(64, "0")}`;
}

/** Every block has a hash of its own; that is all that is asked of it. */
function blockOf(number: number): { readonly hash: string } | null {
  return number > MOST_BLOCKS ? null : { hash: toBeHex(number + 1, 32) };
}

/** Who signed the delivery that a replica's evidence stands for. */
function replicaOf(jobId: string, output: bigint, evidence: string): string {
  const [token, receiptHash, r, s, v] = [0, 32, 64, 96, 128].map((at) =>
    dataSlice(evidence, at, at + 32),
  ) as [string, string, string, string, string];
  const outputHash = keccak256(toBeHex(output, 32));
  const delivery = { jobId, fencingToken: BigInt(token), output, outputHash, receiptHash };
  const signed = deliveryTypedData(signingDomain(CHAIN_ID, CONTRACTS.JobEscrow), delivery);
  return signerOf(signed, concat([r, s, dataSlice(v, 31)])) ?? "";
}

/** What the fake prover signs; the fake escrow accepts exactly this. */
export function evidenceOf(jobId: string, output: bigint): string {
  return `${jobId}${output.toString(16).padStart(64, "0")}`;
}

function must(condition: boolean, error: string): void {
  if (!condition) throw new Error(error);
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
