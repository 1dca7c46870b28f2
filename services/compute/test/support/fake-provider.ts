import { deliveryTypedData, receiptTypedData } from "@aios/core-settlement/order-digest";
import type { TypedData } from "@aios/core-settlement/signed-data";
import { RECEIPT_KINDS, signingDomain } from "@aios/core-settlement/typed-data";
import { type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { getBytes, keccak256, TypedDataEncoder, toBeHex, toUtf8Bytes, Wallet } from "ethers";
import { selfTestText } from "../../src/domain/provider.js";
import { CHAIN_ID, CONTRACTS } from "./fake-chain.js";
import { TRUE_OUTPUT } from "./fake-peers.js";
import {
  ConnectRequest,
  type ConnectResponse,
  type LeaseGranted,
  ProviderLinkServiceClient,
} from "./link-client.js";

export interface Behaviour {
  /** Packed output that it returns. */
  readonly output: bigint;
  /** "silent" takes leases and never delivers; "forger" signs receipts with another key; "boaster" claims bytes it did not store; "unstaked" proves its key and signs no registration. */
  readonly manner: "honest" | "silent" | "deaf" | "refusing" | "forger" | "failing" | "boaster" | "unstaked";
  readonly priceWei: string;
  readonly maxParallelJobs: number;
  readonly challengeVersion: number;
}

export const HONEST: Behaviour = {
  output: TRUE_OUTPUT,
  manner: "honest",
  priceWei: "1000",
  maxParallelJobs: 8,
  challengeVersion: 2,
};
const ZERO = `0x${"00".repeat(32)}`;

/** A provider's side of the link, with what it was told. */
export class FakeProvider {
  readonly wallet = Wallet.createRandom();
  readonly received: ConnectResponse[] = [];
  readonly #url: string;
  readonly #behaviour: Behaviour;
  readonly #granted = new Map<string, LeaseGranted>();
  #client: ProviderLinkServiceClient | undefined;
  #stream: ClientDuplexStream<ConnectRequest, ConnectResponse> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #closed = false;
  #isWelcome = false;

  constructor(url: string, behaviour: Partial<Behaviour> = {}) {
    this.#url = url;
    this.#behaviour = { ...HONEST, ...behaviour };
  }

  get address(): string {
    return this.wallet.address.toLowerCase();
  }

  /** Connects and keeps connecting until closed, as the real program does. Resolves when welcomed. */
  async connect(): Promise<void> {
    this.#closed = false;
    await this.#open();
  }

  /** Drops the link without a word. */
  vanish(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#stream?.cancel();
    this.#client?.close();
  }

  send(message: Partial<ConnectRequest>): void {
    this.#stream?.write(ConnectRequest.fromPartial(message));
  }

  refusals(): string[] {
    return this.received.flatMap((message) =>
      message.refused?.error === undefined ? [] : [message.refused.error.code],
    );
  }

  /** A signed result for a grant, changed as a test wants it. */
  async result(
    grant: LeaseGranted,
    change: { fencingToken?: number; jobId?: string } = {},
  ): Promise<Partial<ConnectRequest>> {
    const fencingToken = change.fencingToken ?? grant.fencingToken;
    const inference = grant.spec?.inference !== undefined;
    const outputCid = inference ? "" : "bafkreitrainingoutputaaaaaaaaaaaa";
    const output = inference ? this.#behaviour.output : 0n;
    const outputHash = keccak256(inference ? toBeHex(output, 32) : toUtf8Bytes(outputCid));
    const order = JSON.parse(grant.orderJson) as {
      buyer: string;
      inputCommitment: string;
      deliverWithinSeconds: string;
    };
    const { training } = grant.spec ?? {};
    const finishedAtMs = Date.now();
    const receipt = {
      kind: (inference ? RECEIPT_KINDS.inference : RECEIPT_KINDS["training-round"]).toString(),
      jobId: change.jobId ?? grant.jobId,
      provider: this.address,
      counterparty: order.buyer,
      modelCommitment: inference ? `0x${Buffer.from(grant.modelCommitment).toString("hex")}` : ZERO,
      inputCommitment: order.inputCommitment,
      outputHash,
      startedAtMs: (finishedAtMs - 500).toString(),
      finishedAtMs: finishedAtMs.toString(),
      promisedMs: (Number(order.deliverWithinSeconds) * 1_000).toString(),
      workUnits:
        training === undefined ? "101632" : (training.trainPerClass * 10 * training.epochs).toString(),
      storedBytes: this.#behaviour.manner === "boaster" ? "1" : "0",
      priceWei: grant.agreedPriceWei,
    };
    const receiptTyped = receiptTypedData(signingDomain(CHAIN_ID, CONTRACTS.ReceiptRegistry), receipt);
    const delivery = {
      jobId: change.jobId ?? grant.jobId,
      fencingToken: fencingToken.toString(),
      output: output.toString(),
      outputHash,
      receiptHash: TypedDataEncoder.hash(receiptTyped.domain, receiptTyped.types, receipt),
    };
    const receiptSigner = this.#behaviour.manner === "forger" ? Wallet.createRandom() : this.wallet;
    return {
      jobResult: {
        jobId: grant.jobId,
        fencingToken,
        output: inference ? getBytes(toBeHex(output, 32)) : new Uint8Array(0),
        outputCid,
        outputKeyJson: inference ? "" : "{}",
        deliveryJson: JSON.stringify(delivery),
        deliverySignature: getBytes(
          await sign(this.wallet, deliveryTypedData(signingDomain(CHAIN_ID, CONTRACTS.JobEscrow), delivery)),
        ),
        receiptJson: JSON.stringify(receipt),
        receiptSignature: getBytes(await sign(receiptSigner, receiptTyped)),
      },
    };
  }

  async #open(): Promise<void> {
    const client = new ProviderLinkServiceClient(this.#url, credentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 200,
    });
    const stream = client.connect();
    this.#client = client;
    this.#stream = stream;
    this.#isWelcome = false;
    await new Promise<void>((resolve, reject) => {
      stream.on("data", (message: ConnectResponse) => {
        this.received.push(message);
        if (message.welcome !== undefined) {
          this.#heartbeat = setInterval(
            () => this.send({ heartbeat: { sentAtMs: 1, runningJobs: 0, draining: false, leases: {} } }),
            300,
          );
          this.#isWelcome = true;
          resolve();
        }
        void this.#answer(message);
        // The real program ends an attempt that was refused, and tries again.
        if (message.refused !== undefined && !this.#isWelcome) stream.cancel();
      });
      let over = false;
      const lost = (error?: Error): void => {
        if (over) return;
        over = true;
        clearInterval(this.#heartbeat);
        reject(error ?? new Error("the link ended"));
        client.close();
        if (!this.#closed && this.#stream === stream)
          setTimeout(() => {
            if (!this.#closed) void this.#open().catch(() => undefined);
          }, 100);
      };
      stream.on("error", lost);
      stream.once("end", () => lost());
      const selfTest = {
        evaluatorMacsPerSecond: 50_000_000,
        trainingSamplesPerSecond: 5_000,
        measuredAtMs: 1,
        resultHash: `0x${"77".repeat(32)}`,
      };
      stream.write(
        ConnectRequest.fromPartial({
          hello: {
            address: this.address,
            name: "test provider",
            challengeVersion: this.#behaviour.challengeVersion,
            capabilities: {
              cpuCores: 2,
              memoryBytes: 4 * 1024 ** 3,
              diskBytes: 1,
              gpus: [],
              jobKinds: ["training", "inference"],
              maxParallelJobs: this.#behaviour.maxParallelJobs,
              softwareVersion: "0.1.0",
            },
            priceWei: { training: this.#behaviour.priceWei, inference: this.#behaviour.priceWei },
          },
        }),
      );
      this.#prove = async (text) => {
        const signature = getBytes(await this.wallet.signMessage(text));
        const own = getBytes(await this.wallet.signMessage(selfTestText(selfTest)));
        stream.write(
          ConnectRequest.fromPartial({
            proof: {
              signature,
              selfTest: { ...selfTest, resultHash: getBytes(selfTest.resultHash), signature: own },
            },
          }),
        );
      };
    });
  }

  #prove: (text: string) => Promise<void> = async () => undefined;

  async #answer(message: ConnectResponse): Promise<void> {
    const { challenge, registrationRequest, leaseOffer, leaseGranted } = message;
    const { manner } = this.#behaviour;
    if (challenge !== undefined) return this.#prove(challenge.text);
    if (registrationRequest !== undefined && manner === "unstaked") return;
    if (registrationRequest !== undefined) {
      const signatures = await Promise.all(
        registrationRequest.toSign.map(async ({ name, typedDataJson }) => ({
          name,
          signature: getBytes(await sign(this.wallet, parsed(typedDataJson))),
        })),
      );
      return this.send({ registration: { signatures } });
    }
    if (leaseOffer !== undefined && manner !== "deaf") {
      const { jobId, fencingToken, leaseTerms } = leaseOffer;
      const refuses = manner === "refusing";
      const signature = getBytes(await sign(this.wallet, parsed(leaseTerms?.typedDataJson ?? "{}")));
      return this.send({
        leaseDecision: {
          jobId,
          fencingToken,
          accepted: !refuses,
          refusalReason: refuses ? "busy" : "",
          signature,
        },
      });
    }
    if (leaseGranted !== undefined && manner !== "silent" && manner !== "deaf") {
      this.#granted.set(leaseGranted.jobId, leaseGranted);
      const { jobId, fencingToken } = leaseGranted;
      if (manner === "failing") {
        return this.send({
          jobFailure: {
            jobId,
            fencingToken,
            error: { code: "out-of-memory", message: "Too large.", detailsJson: "{}" },
          },
        });
      }
      this.send(await this.result(leaseGranted));
    }
  }
}

export async function sign(
  wallet: { signTypedData: Wallet["signTypedData"] },
  data: TypedData,
): Promise<string> {
  return wallet.signTypedData(data.domain, data.types, { ...data.message });
}

export function parsed(typedDataJson: string): TypedData {
  const { domain, types, message } = JSON.parse(typedDataJson) as TypedData;
  const { EIP712Domain: _domain, ...own } = types;
  return { domain, types: own, message };
}
