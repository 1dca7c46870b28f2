import { randomUUID } from "node:crypto";
import { CodedError } from "@aios/kernel/coded-error";
import {
  EconomyServiceService,
  type SimulateTransactionRequest,
  type SubmitTransactionRequest,
} from "@aios/proto/aios/economy/v1/economy";
import {
  type FindLicenceRequest,
  type GetModelRequest,
  MarketplaceServiceService,
  ModelState,
} from "@aios/proto/aios/marketplace/v1/marketplace";
import {
  ProofState,
  ProverServiceService,
  type RequestProofRequest,
} from "@aios/proto/aios/prover/v1/prover";
import {
  ContentKeyServiceService,
  ContentServiceService,
  type DepositKeyRequest,
  type PutContentRequest,
} from "@aios/proto/aios/storage/v1/storage";
import { topics } from "@aios/proto/topics";
import { toGrpcFailure } from "@aios/service-kit/error-mapping";
import type { EventBus } from "@aios/service-kit/event-bus";
import {
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { CHAIN_ID, CONTRACTS, evidenceOf, type FakeChain, MATCHER } from "./fake-chain.js";

export const PROVER = `0x${"d0".repeat(20)}`;
/** What the committed model gives for every input here. */
export const TRUE_OUTPUT = 7n;
export const LICENSED_MODEL = 1;
export const UNLICENSED_MODEL = 2;

/** Economy, marketplace, zk-prover and storage in one server, as far as compute talks to them. */
export class FakePeers {
  readonly deposits: DepositKeyRequest[] = [];
  readonly proofs = new Map<
    string,
    { claimed: bigint; state: ProofState; evidence: string; error: string }
  >();
  /** How long a proof takes. */
  proofMs = 20;
  readonly #chain: FakeChain;
  readonly #bus: EventBus;
  readonly #server = new Server();
  #contents = 0;

  constructor(chain: FakeChain, bus: EventBus) {
    this.#chain = chain;
    this.#bus = bus;
  }

  async listen(): Promise<string> {
    this.#add(EconomyServiceService, {
      getProtocol: () => ({
        chainId: CHAIN_ID,
        jsonRpcUrl: "",
        contracts: { ...CONTRACTS },
        accounts: { matcher: MATCHER },
        protocolFeeBps: 500,
        challengeWindowSeconds: this.#chain.challengeWindowSeconds,
      }),
      submitTransaction: (request) => ({
        transaction: this.#chain.submit(request as SubmitTransactionRequest),
      }),
      getTransaction: (request) => ({
        transaction: this.#chain.find((request as { transactionId: string }).transactionId),
      }),
      simulateTransaction: (request) => this.#simulate(request as SimulateTransactionRequest),
    });
    this.#add(MarketplaceServiceService, {
      getModel: (request) => this.#model(request as GetModelRequest),
      findLicence: (request) => ({
        licenceId: (request as FindLicenceRequest).modelId === LICENSED_MODEL ? 5 : 0,
        licencePriceWei: "250",
      }),
    });
    this.#add(ProverServiceService, {
      quoteProof: () => ({
        priceWei: "100",
        expectedMs: 800,
        trust: "development key",
        prover: PROVER,
        system: "groth16",
      }),
      requestProof: (request) => this.#prove(request as RequestProofRequest),
      getProof: (request) => this.#proof((request as { jobId: string }).jobId),
    });
    this.#add(ContentKeyServiceService, {
      getWrappingKey: () => ({ publicKey: Buffer.from("09".padEnd(64, "0"), "hex"), keyId: "k1" }),
      depositKey: (request) => {
        this.deposits.push(request as DepositKeyRequest);
        return {};
      },
    });
    this.#server.addService(ContentServiceService, {
      putContent: (
        call: ServerReadableStream<PutContentRequest, unknown>,
        callback: sendUnaryData<unknown>,
      ) => {
        call.on("data", () => undefined);
        call.on("end", () =>
          callback(null, {
            cid: `bafkreifakecontent${"abcdefgh"[this.#contents++ % 8]}aaaaaaaaaa`,
            sizeBytes: 1,
            deduplicated: false,
          }),
        );
      },
    } as unknown as UntypedServiceImplementation);
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #add(
    definition: Parameters<Server["addService"]>[0],
    methods: Record<string, (request: unknown) => unknown>,
  ): void {
    const handlers = Object.entries(methods).map(([name, method]) => [
      name,
      (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
        try {
          callback(null, method(call.request));
        } catch (error) {
          const failure = toGrpcFailure(error);
          callback(failure, null, failure.metadata);
        }
      },
    ]);
    this.#server.addService(definition, Object.fromEntries(handlers) as UntypedServiceImplementation);
  }

  #simulate(request: SimulateTransactionRequest): object {
    const data = Buffer.from(request.data).toString("hex");
    const refused = [...this.#chain.refusedBuyers].find(([buyer]) =>
      data.includes(buyer.slice(2).toLowerCase()),
    );
    if (refused === undefined)
      return { succeeds: true, gasEstimate: 1, errorCode: "", errorMessage: "", errorDetailsJson: "" };
    return {
      succeeds: false,
      gasEstimate: 0,
      errorCode: "reverted",
      errorMessage: "The contract refused.",
      errorDetailsJson: JSON.stringify({ error: refused[1], args: [] }),
    };
  }

  #model({ modelId }: GetModelRequest): object {
    if (modelId !== LICENSED_MODEL && modelId !== UNLICENSED_MODEL) {
      throw new CodedError({ code: "model-not-found", kind: "not-found", message: "No model has this id." });
    }
    return {
      model: {
        draftId: "d",
        modelId,
        state: ModelState.MODEL_STATE_PUBLISHED,
        owner: `0x${"0a".repeat(20)}`,
        name: "digits",
        description: "",
        contentCid: "bafkreimodelcontentaaaaaaaaaaaaaaa",
        modelCommitment: Buffer.alloc(32, 1),
        verifyingKeyHash: Buffer.alloc(32, 2),
        verifyingKeyCid: "",
        keyTrust: "",
        licencePriceWei: "250",
        royaltyBps: 700,
        usageFeeWei: "50",
        reportJson: "",
        publicationTransactionHash: "",
        createdAtMs: 0,
      },
    };
  }

  #prove(request: RequestProofRequest): object {
    const jobId = request.statement?.jobId ?? "";
    const claimed = BigInt(`0x${Buffer.from(request.claimedOutput).toString("hex")}`);
    const known = this.proofs.get(jobId);
    if (known?.claimed === claimed) return this.#proof(jobId);
    if (known?.state === ProofState.PROOF_STATE_PROVEN) throw this.#disagrees(claimed);
    this.proofs.set(jobId, { claimed, state: ProofState.PROOF_STATE_PROVING, evidence: "", error: "" });
    setTimeout(() => void this.#endProof(jobId, claimed), this.proofMs);
    return this.#proof(jobId);
  }

  #disagrees(claimed: bigint): CodedError {
    return new CodedError({
      code: "oracle-disagrees",
      kind: "unprocessable",
      message: "The oracle disagrees.",
      details: { claimed: claimed.toString(), computed: TRUE_OUTPUT.toString() },
    });
  }

  async #endProof(jobId: string, claimed: bigint): Promise<void> {
    const proven = claimed === TRUE_OUTPUT;
    this.proofs.set(jobId, {
      claimed,
      state: proven ? ProofState.PROOF_STATE_PROVEN : ProofState.PROOF_STATE_FAILED,
      evidence: proven ? evidenceOf(jobId, claimed) : "",
      error: proven ? "" : "oracle-disagrees",
    });
    const event = { jobId, proven, errorCode: proven ? "" : "oracle-disagrees", errorMessage: "" };
    await this.#bus.publish([
      {
        id: randomUUID(),
        topic: topics.proverProofEnded.name,
        key: jobId,
        payload: topics.proverProofEnded.codec.encode(event).finish(),
        headers: {},
      },
    ]);
  }

  #proof(jobId: string): object {
    const proof = this.proofs.get(jobId);
    return {
      proof: {
        jobId,
        state: proof?.state ?? ProofState.PROOF_STATE_QUEUED,
        proof: Buffer.alloc(0),
        publicInputs: [],
        evidence: Buffer.from((proof?.evidence ?? "").slice(2), "hex"),
        evidenceCid: proof?.evidence ? "bafkreievidence" : "",
        proveMs: 1,
        error: proof?.error
          ? {
              code: proof.error,
              message: "The oracle disagrees.",
              detailsJson: JSON.stringify(this.#disagrees(proof.claimed).details),
            }
          : undefined,
      },
    };
  }
}
