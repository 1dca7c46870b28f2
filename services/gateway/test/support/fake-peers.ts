import { CodedError } from "@aios/kernel/coded-error";
import {
  ComputeServiceService,
  type Job,
  JobKind,
  JobState,
  Verification,
} from "@aios/proto/aios/compute/v1/compute";
import { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import { ScoringServiceService } from "@aios/proto/aios/scoring/v1/scoring";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { TelemetryServiceService } from "@aios/proto/aios/telemetry/v1/telemetry";
import { toGrpcFailure } from "@aios/service-kit/error-mapping";
import type { GrpcServiceDefinition } from "@aios/service-kit/grpc-methods";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { decodeJwt } from "jose";

const DEFINITIONS: readonly GrpcServiceDefinition[] = [
  ComputeServiceService,
  ConsensusServiceService,
  EconomyServiceService,
  MarketplaceServiceService,
  ProverServiceService,
  ScoringServiceService,
  ContentServiceService,
  ContentKeyServiceService,
  TelemetryServiceService,
];

export interface PeerCall {
  readonly method: string;
  readonly request: unknown;
  /** Claims of the service token that came along. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export type Answer = (call: PeerCall) => unknown;

/** All services behind the gateway on one port; each method answers what the test set, or `unimplemented`. */
export class FakePeers {
  readonly calls: PeerCall[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #server = new Server();
  url = "";

  async start(): Promise<void> {
    for (const definition of DEFINITIONS) {
      const handlers = Object.entries(definition).map(([name, method]) => [
        name,
        this.#handler(method.path.split("/").at(-1) ?? name, method),
      ]);
      this.#server.addService(
        definition as never,
        Object.fromEntries(handlers) as Record<string, UntypedHandleCall>,
      );
    }
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.url = `127.0.0.1:${port}`;
  }

  /** Sets what a method answers, by its proto name: "GetJob". Throwing a `CodedError` is an answer too. */
  answer(method: string, answer: Answer): void {
    this.#answers.set(method, answer);
  }

  reset(): void {
    this.#answers.clear();
    this.calls.length = 0;
  }

  callsOf(method: string): PeerCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #handler(name: string, method: { requestStream: boolean; responseStream: boolean }): UntypedHandleCall {
    if (method.requestStream && !method.responseStream) {
      return ((call: AsyncIterable<unknown> & { metadata: Metadata }, callback: Callback) => {
        void this.#collect(name, call, callback);
      }) as unknown as UntypedHandleCall;
    }
    if (method.responseStream) {
      return ((call: ServerWritableStream<unknown, unknown>) =>
        void this.#stream(name, call)) as unknown as UntypedHandleCall;
    }
    return ((call: { request: unknown; metadata: Metadata }, callback: Callback) => {
      void this.#run(name, call.request, call.metadata).then(
        (value) => callback(null, value),
        (error: unknown) => callback(toGrpcFailure(error) as never),
      );
    }) as unknown as UntypedHandleCall;
  }

  async #collect(
    name: string,
    call: AsyncIterable<unknown> & { metadata: Metadata },
    callback: Callback,
  ): Promise<void> {
    try {
      const messages: unknown[] = [];
      for await (const message of call) messages.push(message);
      callback(null, await this.#run(name, messages, call.metadata));
    } catch (error) {
      callback(toGrpcFailure(error) as never);
    }
  }

  async #stream(name: string, call: ServerWritableStream<unknown, unknown>): Promise<void> {
    try {
      for await (const message of (await this.#run(
        name,
        call.request,
        call.metadata,
      )) as AsyncIterable<unknown>) {
        if (call.cancelled) return;
        call.write(message);
      }
      call.end();
    } catch (error) {
      call.emit("error", toGrpcFailure(error));
    }
  }

  async #run(method: string, request: unknown, metadata: Metadata): Promise<unknown> {
    const token = String(metadata.get("authorization")[0] ?? "").replace(/^Bearer /, "");
    const call: PeerCall = { method, request, claims: token === "" ? {} : decodeJwt(token) };
    this.calls.push(call);
    const answer = this.#answers.get(method);
    if (answer === undefined)
      throw new CodedError({
        code: "unimplemented",
        kind: "unimplemented",
        message: `${method} has no answer in this test.`,
      });
    return answer(call);
  }
}

type Callback = (error: Error | null, value?: unknown) => void;

export const JOB_ID = `0x${"ab".repeat(32)}`;

/** A job message with every field that proto requires. */
export function jobMessage(fields: Partial<Job> = {}): Job {
  return {
    jobId: JOB_ID,
    state: JobState.JOB_STATE_PREPARED,
    kind: JobKind.JOB_KIND_INFERENCE,
    verification: Verification.VERIFICATION_PROOF,
    trust: "Nobody for the output, but the proving key: a development key.",
    replicaProvider: "",
    buyer: `0x${"11".repeat(20)}`,
    modelId: 1,
    licenceId: 1,
    priceCapWei: "1000",
    provider: "",
    fencingToken: 0,
    agreedPriceWei: "",
    inputCid: "",
    inputCommitment: new Uint8Array(32).fill(7),
    output: new Uint8Array(),
    outputCid: "",
    outputKeyJson: "",
    proofCid: "",
    steps: [],
    progress: undefined,
    error: undefined,
    traceId: "0".repeat(32),
    createdAtMs: 1,
    receiptJson: "",
    orderJson: "",
    ...fields,
  };
}
