import { randomUUID } from "node:crypto";
import { contentIdOf } from "@aios/core-content-id/content-id";
import { generateSealingKeyPair, openKey } from "@aios/core-sealing/sealed-key";
import { CodedError } from "@aios/kernel/coded-error";
import { SeededRng } from "@aios/kernel/random";
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
  ProofSystem,
  ProverServiceService,
  type QuoteProofRequest,
  type QuoteProofResponse,
  type RequestProofRequest,
  type WatchProofRequest,
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
import { PeerServer } from "@aios/testkit/peer-server";
import type {
  Server,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { CHAIN_ID, CONTRACTS, evidenceOf, type FakeChain, MATCHER } from "./fake-chain.js";

export const PROVER = `0x${"d0".repeat(20)}`;
export const MODEL_COMMITMENT = new Uint8Array(32).fill(1);
/** What the committed model gives for every input here. */
export const TRUE_OUTPUT = 7n;
export const LICENSED_MODEL = 1;
export const UNLICENSED_MODEL = 2;
/** Licensed as well; takes 3 × 2 × 2 bytes. */
export const COLOUR_MODEL = 3;
/** Licensed as well; too large for UltraHonk. */
export const LARGE_MODEL = 4;
const DOES_NOT_FIT = {
  code: "model-does-not-fit",
  message: "This model is too large for ultrahonk-bn254 here. Groth16 takes it.",
  detailsJson: "{}",
};
const MODELS = [LICENSED_MODEL, UNLICENSED_MODEL, COLOUR_MODEL, LARGE_MODEL];

/** Economy, marketplace, zk-prover and storage in one server, as far as compute talks to them. */
export class FakePeers {
  readonly peer = new PeerServer();
  readonly deposits: DepositKeyRequest[] = [];
  readonly contents = new Map<string, Uint8Array>();
  /** Content keys by CID. */
  readonly contentKeys = new Map<string, Uint8Array>();
  /** Accounts without a licence of any model. */
  readonly unlicensed = new Set<string>();
  readonly proofs = new Map<
    string,
    { claimed: bigint; state: ProofState; evidence: string; error: string }
  >();
  readonly proofSystems = new Map<string, ProofSystem>();
  /** Why the prover refuses UltraHonk; `undefined` where it makes such proofs. */
  honkRefusal: CodedError | undefined;
  /** Whether the prover is of a release that knows Groth16 alone, and takes everything for it. */
  proverIsOld = false;
  /** How long a proof takes. */
  proofMs = 20;
  /** What every proof waits for before it ends. */
  proofsHeld: Promise<void> | undefined;
  readonly #chain: FakeChain;
  readonly #bus: EventBus;
  readonly #wrappingKey = generateSealingKeyPair(new SeededRng(3));

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
        honkTauG2: [],
        challengeWindowSeconds: this.#chain.challengeWindowSeconds,
      }),
      submitTransaction: (request) => ({
        transaction: this.#chain.submit(request as SubmitTransactionRequest),
      }),
      getTransaction: (request) => ({
        transaction: this.#transaction((request as { transactionId: string }).transactionId),
      }),
      simulateTransaction: (request) => this.#simulate(request as SimulateTransactionRequest),
    });
    this.#add(MarketplaceServiceService, {
      getModel: (request) => this.#model(request as GetModelRequest),
      findLicence: (request) => {
        const { modelId, account } = request as FindLicenceRequest;
        const licenceId = modelId !== UNLICENSED_MODEL && !this.unlicensed.has(account) ? 5 : 0;
        return { licenceId, licencePriceWei: "250" };
      },
    });
    this.#add(
      ProverServiceService,
      {
        quoteProof: (request) => this.#quote(request as QuoteProofRequest),
        requestProof: (request) => this.#prove(request as RequestProofRequest),
        getProof: (request) => this.#proof((request as { jobId: string }).jobId),
      },
      { watchProof: (call) => this.#watchProof(call as ServerWritableStream<WatchProofRequest, unknown>) },
    );
    this.#add(ContentKeyServiceService, {
      getWrappingKey: () => ({ publicKey: this.#wrappingKey.publicKey, keyId: "k1" }),
      depositKey: (request) => this.#deposit(request as DepositKeyRequest),
    });
    this.peer.add(ContentServiceService, {
      putContent: (
        call: ServerReadableStream<PutContentRequest, unknown>,
        callback: sendUnaryData<unknown>,
      ) => {
        const chunks: Uint8Array[] = [];
        call.on("data", ({ chunk }: PutContentRequest) => {
          if (chunk !== undefined) chunks.push(chunk);
        });
        call.on("error", () => undefined);
        call.on("end", () => {
          const bytes = Buffer.concat(chunks);
          const cid = contentIdOf(bytes);
          const deduplicated = this.contents.has(cid);
          this.contents.set(cid, bytes);
          callback(null, { cid, sizeBytes: bytes.length, deduplicated });
        });
      },
    } as unknown as UntypedServiceImplementation);
    await this.peer.start();
    return this.peer.url;
  }

  close(): void {
    this.peer.stop();
  }

  #add(
    definition: Parameters<Server["addService"]>[0],
    methods: Record<string, (request: unknown) => unknown>,
    streams: Record<string, (call: unknown) => void> = {},
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
    this.peer.add(definition, {
      ...Object.fromEntries(handlers),
      ...streams,
    } as UntypedServiceImplementation);
  }

  #transaction(transactionId: string): object {
    const found = this.#chain.find(transactionId);
    if (found !== undefined) return found;
    throw new CodedError({
      code: "transaction-not-found",
      kind: "not-found",
      message: "There is no such transaction.",
    });
  }

  #deposit(request: DepositKeyRequest): object {
    const { cid, sealedKey } = request;
    if (sealedKey === undefined) throw new TypeError("a deposit without a key");
    this.contentKeys.set(cid, openKey(sealedKey, this.#wrappingKey.privateKey, `deposit:${cid}`));
    this.deposits.push(request);
    return {};
  }

  #quote({ modelCommitment, proofSystem }: QuoteProofRequest): QuoteProofResponse {
    const isHonk = proofSystem === ProofSystem.PROOF_SYSTEM_HONK;
    if (isHonk && this.honkRefusal !== undefined) throw this.honkRefusal;
    if (Buffer.compare(modelCommitment, MODEL_COMMITMENT) !== 0) {
      throw new CodedError({
        code: "model-key-not-found",
        kind: "not-found",
        message: "There are no keys for this model.",
      });
    }
    return {
      absent: [{ name: isHonk ? "ultrahonk-bn254-cuda" : "groth16-bn254-cuda", reason: "no GPU" }],
      priceWei: "100",
      expectedMs: 800,
      trust: isHonk ? "forgeable by anybody" : "development key",
      verificationGas: isHonk ? 1_900_000 : 235_000,
      prover: PROVER,
      system: isHonk && !this.proverIsOld ? "ultrahonk-bn254" : "groth16-bn254",
    };
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
    if (!MODELS.includes(modelId ?? 0)) {
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
        modelCommitment: Buffer.from(MODEL_COMMITMENT),
        verifyingKeyHash: Buffer.alloc(32, 2),
        honkKeyHash: Buffer.alloc(modelId === LARGE_MODEL ? 0 : 32, 3),
        honkRefusal: modelId === LARGE_MODEL ? DOES_NOT_FIT : undefined,
        inputShape: modelId === COLOUR_MODEL ? [3, 2, 2] : [],
        multiplications: 0,
        honkKeyCid: "",
        honkKeyTrust: "",
        verifyingKeyCid: "",
        keyTrust: "",
        ceremonyTranscriptHash: Buffer.alloc(0),
        ceremonyTranscriptCid: "",
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
    const { PROOF_SYSTEM_GROTH16, PROOF_SYSTEM_UNSPECIFIED } = ProofSystem;
    this.proofSystems.set(
      jobId,
      this.proverIsOld ? PROOF_SYSTEM_UNSPECIFIED : (request.proofSystem ?? PROOF_SYSTEM_GROTH16),
    );
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
    await this.proofsHeld;
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

  /** Two stages, the first on opening, then the end once the proof has ended. */
  #watchProof(call: ServerWritableStream<WatchProofRequest, unknown>): void {
    const { jobId } = call.request;
    const stages = ["queued", "proving"];
    const tell = (): void => {
      const isEnded = ![undefined, ProofState.PROOF_STATE_PROVING].includes(this.proofs.get(jobId)?.state);
      if (call.cancelled || isEnded) {
        clearInterval(telling);
        return void call.end();
      }
      const stage = stages.shift();
      if (stage === undefined) return;
      const progress = { stage, percent: 10, message: `It is ${stage}.`, figures: {} };
      call.write({ proof: { ...(this.#proof(jobId) as { proof: object }).proof, progress } });
    };
    const telling = setInterval(tell, 10);
    call.on("cancelled", () => clearInterval(telling));
    tell();
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
        trust: "development key",
        proofSystem: this.proofSystems.get(jobId) ?? ProofSystem.PROOF_SYSTEM_GROTH16,
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
