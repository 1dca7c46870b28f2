import type { Clock } from "@aios/kernel/clock";
import { jobId, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import type {
  GetKeyRequest,
  GetKeyResponse,
  GetProofRequest,
  GetProofResponse,
  ProofJob,
  QuoteProofRequest,
  QuoteProofResponse,
  RequestProofRequest,
  RequestProofResponse,
  SetUpKeyRequest,
  SetUpKeyResponse,
  WatchProofRequest,
  WatchProofResponse,
} from "@aios/proto/aios/prover/v1/prover";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { currentCaller } from "@aios/service-kit/caller-context";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { Observable } from "rxjs";
import { LoadedModels } from "../../application/loaded-models.js";
import { ProgressBoard } from "../../application/progress-board.js";
import { progressOfProof } from "../../application/proof-progress.js";
import { QuoteProof } from "../../application/quote-proof.use-case.js";
import { RequestProof } from "../../application/request-proof.use-case.js";
import { SetUpKey } from "../../application/set-up-key.use-case.js";
import { watchProof } from "../../application/watch-proof.js";
import { keyNotFound, proofNotFound } from "../../domain/errors.js";
import type { ModelKeyStore, ProofStore } from "../../domain/ports.js";
import type { Progress } from "../../domain/progress.js";
import type { ProofJobRecord } from "../../domain/proof-job.js";
import { provenModelId } from "../../domain/proof-system.js";
import { CLOCK, MODEL_KEY_STORE, PROOF_STORE } from "../../tokens.js";
import { keyMessage, keyRequestOf, proofMessage, provenModelOf, questionOf } from "./prover.mapping.js";

@Controller()
export class ProverController {
  constructor(
    @Inject(SetUpKey) private readonly setUp: SetUpKey,
    @Inject(QuoteProof) private readonly quote: QuoteProof,
    @Inject(RequestProof) private readonly request: RequestProof,
    @Inject(MODEL_KEY_STORE) private readonly keys: ModelKeyStore,
    @Inject(PROOF_STORE) private readonly proofs: ProofStore,
    @Inject(LoadedModels) private readonly models: LoadedModels,
    @Inject(ProgressBoard) private readonly progress: ProgressBoard,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @GrpcMethod("ProverService", "SetUpKey")
  @AllowCallers("marketplace")
  async setUpKey(message: SetUpKeyRequest): Promise<SetUpKeyResponse> {
    const record = await this.setUp.execute(keyRequestOf(message), callingTenant());
    return { key: keyMessage(record, this.progress.get(provenModelId(record))) };
  }

  /** Keys are public facts about a model's commitment, whoever asked for them first. */
  @GrpcMethod("ProverService", "GetKey")
  @AllowCallers("marketplace", "compute", "gateway")
  async getKey(message: GetKeyRequest): Promise<GetKeyResponse> {
    const record = await this.keys.find(provenModelOf(message));
    if (record === undefined) throw keyNotFound();
    return { key: keyMessage(record, this.progress.get(provenModelId(record))) };
  }

  @GrpcMethod("ProverService", "QuoteProof")
  @AllowCallers("marketplace", "compute", "gateway")
  async quoteProof(message: QuoteProofRequest): Promise<QuoteProofResponse> {
    const { priceWei, absent, ...quote } = await this.quote.execute(provenModelOf(message));
    return { ...quote, absent: [...absent], priceWei: priceWei.toString() };
  }

  @GrpcMethod("ProverService", "RequestProof")
  @AllowCallers("compute")
  async requestProof(message: RequestProofRequest): Promise<RequestProofResponse> {
    const record = await this.request.execute(questionOf(message));
    return { proof: await this.#message(record, this.progress.get(record.request.jobId)) };
  }

  @GrpcMethod("ProverService", "GetProof")
  @AllowCallers("compute", "gateway")
  async getProof(message: GetProofRequest): Promise<GetProofResponse> {
    const id = jobId(message.jobId);
    const record = await this.proofs.find(id);
    if (record === undefined || !mayRead(record)) throw proofNotFound();
    return {
      proof: await this.#message(
        record,
        await progressOfProof(record, { proofs: this.proofs, progress: this.progress }),
      ),
    };
  }

  @GrpcMethod("ProverService", "WatchProof")
  @AllowCallers("compute", "gateway")
  watchProof(message: WatchProofRequest): Observable<WatchProofResponse> {
    const id = jobId(message.jobId);
    const ports = { proofs: this.proofs, progress: this.progress, clock: this.clock };
    return new Observable((subscriber) => {
      const gone = new AbortController();
      const forward = async (): Promise<void> => {
        for await (const { record, progress } of watchProof(id, ports, gone.signal)) {
          if (!mayRead(record)) throw proofNotFound();
          subscriber.next({ proof: await this.#message(record, progress) });
        }
        subscriber.complete();
      };
      forward().catch((error: unknown) => subscriber.error(error));
      return () => gone.abort();
    });
  }

  async #message(record: ProofJobRecord, progress: Progress | undefined): Promise<ProofJob> {
    const { request } = record;
    const trust = this.models.trust(request) ?? (await this.keys.find(request))?.material?.trust ?? "";
    return proofMessage(record, trust, progress);
  }
}

function callingTenant(): TenantId {
  const caller = currentCaller();
  if (caller.tenant !== undefined) return caller.tenant;
  return caller.account === undefined
    ? (`service:${caller.service}` as TenantId)
    : tenantOfAccount(caller.account);
}

/** Users, through the gateway, see their own; compute sees what it asked for. */
function mayRead(record: ProofJobRecord): boolean {
  const caller = currentCaller();
  return caller.service === "compute" || callingTenant() === record.tenantId;
}
