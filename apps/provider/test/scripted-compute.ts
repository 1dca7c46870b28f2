import { jobIdOfOrder } from "@aios/core-settlement/order-digest";
import { requestHash } from "@aios/core-settlement/request-hash";
import {
  JOB_KIND,
  LEASE_TERMS_TYPES,
  PERMIT_TYPES,
  PROVIDER_REGISTRATION_TYPES,
  signingDomain,
} from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import {
  type ConnectRequest,
  ConnectResponse,
  JobKind,
  type LeaseGranted,
  ProviderLinkServiceService,
} from "@aios/proto/aios/compute/v1/compute";
import { eventually } from "@aios/testkit/eventually";
import { LeaseBook } from "@aios/testkit/lease-book";
import { PeerServer } from "@aios/testkit/peer-server";
import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { TypedDataEncoder } from "ethers/hash";

type Stream = ServerDuplexStream<ConnectRequest, ConnectResponse>;

export const CHAIN_ID = 4321;
export const CONTRACTS = {
  JobEscrow: `0x${"e1".repeat(20)}`,
  ReceiptRegistry: `0x${"e2".repeat(20)}`,
  ProviderRegistry: `0x${"e3".repeat(20)}`,
  WrappedAios: `0x${"e4".repeat(20)}`,
};
/** What the operator of a provider pins. */
export const PIN = {
  PROVIDER_CHAIN_ID: CHAIN_ID.toString(),
  PROVIDER_CONTRACTS: Object.entries(CONTRACTS)
    .map(([name, address]) => `${name}=${address}`)
    .join(","),
};
const INFERENCE = requestHash({ kind: "inference", modelId: 1 }, "");
const PRICES = { training: 2n * 10n ** 18n, inference: 10n ** 16n };

export const BUYER = `0x${"b7".repeat(20)}`;

/** An order and the job that it names; another nonce is another job. */
export function ordered(
  nonce: number,
  {
    inputCommitment = `0x${"00".repeat(32)}`,
    kind = "inference" as keyof typeof JOB_KIND,
    request = INFERENCE as string,
  } = {},
): { readonly jobId: string; readonly orderJson: string } {
  const order = {
    buyer: BUYER,
    jobKind: JOB_KIND[kind],
    modelId: kind === "inference" ? "1" : "0",
    licenceId: "0",
    requestHash: request,
    inputCommitment,
    verifier: `0x${"e5".repeat(20)}`,
    matcher: `0x${"e6".repeat(20)}`,
    maxPriceWei: "3000000000000000000",
    leaseBy: "9999999999",
    deliverWithinSeconds: "120",
    settleWithinSeconds: "600",
    nonce: nonce.toString(),
  };
  const domain = signingDomain(CHAIN_ID, CONTRACTS.JobEscrow);
  return { jobId: jobIdOfOrder(domain, order), orderJson: JSON.stringify(order) };
}

/** The other end of the provider's link, which says what the test tells it to. */
export class ScriptedCompute {
  readonly #server = new PeerServer();
  readonly received: ConnectRequest[] = [];
  readonly leases = new LeaseBook(this.#server);
  #stream: Stream | undefined;
  #provider = "";
  connections = 0;
  /** Answers what compute sends when the provider has proven its key. */
  onProof: (stream: Stream) => void = (stream) => stream.write(this.welcome());
  storageUrl = "127.0.0.1:9";
  sessionToken: (provider: Address) => Promise<string> = async () => "none";
  #token = "";
  /** Of every job's model. */
  modelOwner = "";

  async start(): Promise<void> {
    this.#server.add(
      { connect: ProviderLinkServiceService.connect },
      { connect: (stream: Stream) => this.#serve(stream) },
    );
    await this.#server.start();
  }

  get url(): string {
    return this.#server.url;
  }

  send(message: Omit<ConnectResponse, "correlationId">): void {
    if (this.#stream === undefined) throw new TypeError("no provider is connected");
    this.#stream.write(ConnectResponse.fromPartial({ correlationId: "c", ...message }));
  }

  cut(): void {
    this.#stream?.emit("error", { code: status.UNAVAILABLE, details: "cut" });
    this.#stream = undefined;
  }

  /** Waits for messages that carry `field`; answers them all. */
  all<K extends keyof ConnectRequest>(
    field: K,
    count = 1,
    timeoutMs = 30_000,
  ): Promise<NonNullable<ConnectRequest[K]>[]> {
    return eventually(() => {
      const found = this.received.flatMap((message) =>
        message[field] === undefined ? [] : [message[field]],
      );
      if (found.length < count) throw new Error(`${found.length} of ${count} ${field} messages so far`);
      return found as NonNullable<ConnectRequest[K]>[];
    }, timeoutMs);
  }

  welcome(): ConnectResponse {
    return ConnectResponse.fromPartial({
      welcome: {
        sessionToken: this.#token,
        heartbeatIntervalMs: 200,
        storageUrl: this.storageUrl,
        chainId: CHAIN_ID,
        contracts: CONTRACTS,
      },
    });
  }

  /** Tests change what it says. */
  challenge = (provider: string, server: string): string =>
    `AiOS provider link\nversion: 2\nnonce: 0x${"ab".repeat(32)}\naddress: ${provider}\nserver: ${server}\nchain: ${CHAIN_ID}\nescrow: ${CONTRACTS.JobEscrow}`;

  registration(provider: Address, stakeWei: bigint, permitNonce = 0): ConnectResponse {
    const registry = CONTRACTS.ProviderRegistry;
    const deadline = Math.floor(Date.now() / 1_000) + 600;
    const zero = `0x${"00".repeat(32)}`;
    const registration = {
      provider,
      stakeWei,
      capabilitiesHash: zero,
      selfTestHash: zero,
      nonce: 0,
      deadline,
    };
    const permit = { owner: provider, spender: registry, value: stakeWei, nonce: permitNonce, deadline };
    const token = {
      name: "Wrapped AIOS",
      version: "1",
      chainId: CHAIN_ID,
      verifyingContract: CONTRACTS.WrappedAios,
    };
    return ConnectResponse.fromPartial({
      registrationRequest: {
        stakeWei: stakeWei.toString(),
        toSign: [
          named(
            "registration",
            signingDomain(BigInt(CHAIN_ID), registry),
            PROVIDER_REGISTRATION_TYPES,
            registration,
          ),
          named("permit", token, PERMIT_TYPES, permit),
        ],
      },
    });
  }

  offer(provider: Address, jobId: string, fencingToken: number, kind: JobKind, priceWei: bigint): void {
    const terms = {
      jobId,
      provider,
      prover: `0x${"00".repeat(20)}`,
      fencingToken,
      providerPriceWei: priceWei,
      proverFeeWei: 0,
      acceptBy: Math.floor(Date.now() / 1_000) + 60,
    };
    this.send({
      leaseOffer: {
        jobId,
        fencingToken,
        kind,
        deliverByMs: Date.now() + 120_000,
        spec: undefined,
        leaseTerms: named(
          "lease-terms",
          signingDomain(BigInt(CHAIN_ID), CONTRACTS.JobEscrow),
          LEASE_TERMS_TYPES,
          terms,
        ),
      },
    });
  }

  /** Offers the lease at the price that the grant will say, and waits until the provider has agreed. */
  async agree(grant: LeaseGranted): Promise<void> {
    const { jobId, fencingToken, spec } = grant;
    const decisions = () =>
      this.received.filter(({ leaseDecision }) => leaseDecision?.jobId === jobId && leaseDecision.accepted)
        .length;
    const before = decisions();
    const training = spec?.training !== undefined;
    const kind = training ? JobKind.JOB_KIND_TRAINING : JobKind.JOB_KIND_INFERENCE;
    this.offer(
      this.#provider as Address,
      jobId,
      fencingToken,
      kind,
      PRICES[training ? "training" : "inference"],
    );
    await eventually(() => {
      if (decisions() === before) throw new Error(`${jobId} is not agreed yet`);
    });
  }

  /** As compute does: offered, agreed, then granted. */
  async grant(grant: LeaseGranted): Promise<void> {
    await this.agree(grant);
    this.give(grant);
  }

  /** Without an offer. */
  give(grant: LeaseGranted): void {
    const { jobId, fencingToken, modelCid, inputCid } = grant;
    const lease = { jobId, fencingToken, provider: this.#provider, modelOwner: this.modelOwner };
    this.leases.give({ ...lease, contentCids: [modelCid, inputCid] });
    this.send({ leaseGranted: grant });
  }

  stop(): void {
    this.#server.stop();
  }

  #serve(stream: Stream): void {
    this.connections++;
    this.#stream = stream;
    stream.on("error", () => undefined);
    stream.on("data", (message: ConnectRequest) => void this.#take(stream, message));
  }

  async #take(stream: Stream, message: ConnectRequest): Promise<void> {
    if (message.hello !== undefined) {
      this.#provider = message.hello.address;
      this.#token = await this.sessionToken(message.hello.address as Address);
      const text = this.challenge(message.hello.address, stream.getHost());
      stream.write(
        ConnectResponse.fromPartial({
          correlationId: "challenge",
          challenge: { nonce: new Uint8Array(32), text },
        }),
      );
    }
    this.received.push(message);
    if (message.proof !== undefined) this.onProof(stream);
    if (message.registration !== undefined) stream.write(this.welcome());
  }
}

function named(
  name: string,
  domain: object,
  types: Record<string, { name: string; type: string }[]>,
  message: object,
) {
  return { name, typedDataJson: JSON.stringify(TypedDataEncoder.getPayload(domain, types, { ...message })) };
}
