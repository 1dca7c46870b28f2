import { createHash, randomBytes } from "node:crypto";
import { type Ceremony, contribute, openCeremony } from "@aios/core-groth16/ceremony";
import { encodeTranscript } from "@aios/core-groth16/ceremony-codec";
import { CeremonyEngine } from "@aios/core-groth16/ceremony-engine";
import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { encodeProvingKey } from "@aios/core-groth16/proving-key";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { encodeIntegerGraph, graphCommitment } from "@aios/core-zkml/integer-graph-codec";
import { encodeIntegerModel, type IntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import type { IntegerGraph } from "@aios/core-zkml/integer-node";
import { encodeJobInput } from "@aios/core-zkml/job-input";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import type { R1cs } from "@aios/core-zkml/r1cs";
import { scalarToBytes } from "@aios/core-zkml/scalar-field";
import { STATEMENT_VERSION } from "@aios/core-zkml/statement";
import { isCodedError } from "@aios/kernel/coded-error";
import { address, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { KeyCeremony } from "@aios/proto/aios/common/v1/common";
import {
  KeyState,
  type ModelKey,
  type ProofJob,
  ProofState,
  ProofSystem,
  ProverServiceService,
  type RequestProofRequest,
} from "@aios/proto/aios/prover/v1/prover";
import { actingFor } from "@aios/service-kit/caller-context";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { SERVICES } from "@aios/service-kit/local-instance";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { eventually } from "@aios/testkit/eventually";
import { knownPowers } from "@aios/testkit/known-powers";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { type ServiceKeyFiles, writeServiceKeys } from "@aios/testkit/service-keys";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { FakeEconomy } from "./fake-economy.js";
import { FakeStorage } from "./fake-storage.js";
import { sampleModel } from "./sample-model.js";

export const REQUESTER = "0x00000000000000000000000000000000000000aa";
export const ESCROW = "0x00000000000000000000000000000000000000bb";
export const CHAIN_ID = 7331;

let listed: Uint8Array | undefined;

/** For the circuits of `sampleModel`; made when a test first asks, since most ask for no ceremony. */
function listedPowers(): Uint8Array {
  listed ??= knownPowers(Math.ceil(Math.log2(circuitRows(compileCircuit(sampleModel(1))))), ["Ada", "Grace"]);
  return listed;
}

/** Of a prover that takes keys of ceremonies over the powers of these tests. */
export function listedPowersEnvironment(): Record<string, string> {
  return { PROVER_LISTED_POWERS: createHash("sha256").update(listedPowers()).digest("hex") };
}

function circuitRows({ constraints, publicInputs }: R1cs): number {
  return constraints + publicInputs + 1;
}

export type ProverClient = GrpcClient<typeof ProverServiceService>;

/** The prover as its own process (or several) on a real database, beside a storage in memory. */
export class ProverPlatform {
  readonly processes: ServiceProcess[] = [];

  private constructor(
    readonly postgres: TestPostgres,
    readonly directory: TemporaryDirectory,
    readonly storage: FakeStorage,
    readonly economy: FakeEconomy,
    readonly eventsUrl: string,
    private readonly databaseUrl: string,
    private readonly keyFiles: ServiceKeyFiles,
  ) {}

  static async start(): Promise<ProverPlatform> {
    const directory = temporaryDirectory("zk-prover");
    const keys = await writeServiceKeys(directory.path, SERVICES);
    const postgres = await startPostgres();
    return new ProverPlatform(
      postgres,
      directory,
      await FakeStorage.start(),
      await FakeEconomy.start(),
      await postgres.createDatabase(),
      await postgres.createDatabase(),
      keys,
    );
  }

  async startProver(
    env: Readonly<Record<string, string>> = {},
    nodeOptions: readonly string[] = [],
  ): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({
      main: mainOf("zk-prover"),
      nodeOptions,
      env: {
        AIOS_SERVICE_KEY_FILE: this.keyFiles.keyFile("zk-prover"),
        AIOS_TRUST_BUNDLE_FILE: this.keyFiles.trustBundleFile,
        AIOS_DATA_DIR: this.directory.path,
        DATABASE_URL: this.databaseUrl,
        EVENT_BUS_URL: this.eventsUrl,
        STORAGE_GRPC_URL: this.storage.peer.url,
        ECONOMY_GRPC_URL: this.economy.peer.url,
        PROVER_PAYOUT_ADDRESS: "0x00000000000000000000000000000000000000cc",
        PROVER_PRICE_WEI: "12345",
        PROVER_LEASE: "1500ms",
        PROVER_POLL_INTERVAL: "100ms",
        ...env,
      },
    });
    this.processes.push(service);
    return service;
  }

  async as(service: string, process = this.processes[0]): Promise<ProverClient> {
    if (process === undefined) throw new TypeError("no prover has started");
    const identity = await loadTokenIssuer(service, this.keyFiles.keyFile(service));
    const client = createGrpcClient(ProverServiceService, `127.0.0.1:${process.ports.grpcPort}`, {
      audience: "zk-prover",
      identity,
    });
    // Connections to a process that was restarted on its port are shared, and pause before they are tried again.
    await eventually(() => expectAnAnswer(client), 20_000);
    return client;
  }

  /** A model in storage whose owner allows both purposes. */
  addModel(variant: number, purposes: readonly string[] = ["proving-key-setup", "proof"]) {
    const model = sampleModel(variant);
    return {
      model,
      modelCid: this.storage.deposit(encodeIntegerModel(model), purposes),
      modelCommitment: modelCommitment(model),
    };
  }

  /** As `addModel`, with more gates than 2^14. */
  addLargeModel() {
    const [inputs, outputs] = [256, 160];
    const model: IntegerModel = {
      salt: new Uint8Array(32).fill(7),
      layers: [
        {
          inputs,
          outputs,
          activation: "relu",
          weights: Int8Array.from({ length: inputs * outputs }, (_, at) => (at % 251) - 125),
          biases: new Int32Array(outputs),
          multiplier: 130,
          shift: 14,
        },
        {
          inputs: outputs,
          outputs: 2,
          activation: "none",
          weights: new Int8Array(2 * outputs).fill(1),
          biases: new Int32Array(2),
          multiplier: 0,
          shift: 0,
        },
      ],
    };
    return {
      model,
      modelCid: this.storage.deposit(encodeIntegerModel(model), ["proving-key-setup", "proof"]),
      modelCommitment: modelCommitment(model),
    };
  }

  /** As `addModel`, with a ceremony over the listed powers that `contributors` took part in. */
  async addCeremony(variant: number, contributors: readonly string[]) {
    const added = this.addModel(variant);
    const engine = new CeremonyEngine();
    try {
      const powers = readPowersOfTau(listedPowers());
      const firstKey = await engine.firstKey(compileCircuit(added.model), powers, randomBytes(32));
      const history = [openCeremony(firstKey, powers)];
      for (const name of contributors)
        history.push(await contribute(engine, history.at(-1) as Ceremony, name, randomBytes(64)));
      const made = history.at(-1) as Ceremony;
      return { ...added, history, made, ceremony: this.storeCeremony(made) };
    } finally {
      await engine.close();
    }
  }

  storeCeremony({ transcript, key }: Ceremony, powers = listedPowers()): KeyCeremony {
    return {
      transcriptCid: this.storage.store(new TextEncoder().encode(encodeTranscript(transcript))),
      provingKeyCid: this.storage.deposit(encodeProvingKey(key), ["proving-key-setup"]),
      powersCid: this.storage.store(powers),
    };
  }

  /** As `addModel`, a convolution with pooling and a leaky activation over a plane of 2 × 2. */
  addGraph() {
    const model: IntegerGraph = {
      inputShape: [1, 2, 2],
      salt: new Uint8Array(32).fill(99),
      nodes: [
        {
          kind: "convolution",
          input: 0,
          outputs: 2,
          groups: 1,
          window: { kernel: [2, 2], stride: [1, 1], padding: [1, 1, 1, 1] },
          weights: Int8Array.of(50, -30, 20, -70, 90, 11, -60, 40),
          biases: Int32Array.of(300, -500),
        },
        {
          kind: "max-pool",
          input: 1,
          window: { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] },
        },
        {
          kind: "requantise",
          input: 2,
          multipliers: Uint16Array.of(200),
          slopes: Uint16Array.of(20),
          shift: 14,
          low: -40,
        },
        {
          kind: "dense",
          input: 3,
          outputs: 2,
          weights: Int8Array.from({ length: 16 }, (_, at) => at * 7 - 50),
          biases: Int32Array.of(1, -1),
        },
      ],
    };
    return {
      model,
      modelCid: this.storage.deposit(encodeIntegerGraph(model), ["proving-key-setup", "proof"]),
      modelCommitment: graphCommitment(model),
    };
  }

  /** The request of an honest job on one input. */
  jobRequest(
    job: number,
    ready: { readonly model: ProvableModel; readonly modelCid: string; readonly key: ModelKey },
    input = Uint8Array.from({ length: 4 }, (_, index) => (job * 37 + index * 91) % 256),
  ): RequestProofRequest & { statement: NonNullable<RequestProofRequest["statement"]> } {
    const salt = new Uint8Array(32).fill(job % 256);
    return {
      statement: {
        version: STATEMENT_VERSION,
        chainId: CHAIN_ID,
        escrow: ESCROW,
        jobId: `0x${job.toString(16).padStart(64, "0")}`,
        requester: REQUESTER,
        modelCommitment: ready.key.modelCommitment,
        verifyingKeyHash: ready.key.verifyingKeyHash,
        inputCommitment: scalarToBytes(inputCommitment(input, salt)),
      },
      modelCid: ready.modelCid,
      inputCid: this.storage.deposit(encodeJobInput({ input, salt }), ["proof"]),
      claimedOutput: scalarToBytes(packOutput(evaluateModel(ready.model, input))),
      proofSystem: ready.key.proofSystem,
    };
  }

  async stop(): Promise<void> {
    for (const process of this.processes) await process.kill();
    this.storage.stop();
    this.economy.peer.stop();
    await this.postgres.stop();
    this.directory.remove();
  }
}

/** Any answer will do, a refusal too. */
async function expectAnAnswer(client: ProverClient): Promise<void> {
  await client.getKey({ modelCommitment: new Uint8Array(32) }).catch((error: unknown) => {
    if (!isCodedError(error) || error.code === "peer-unavailable") throw error;
  });
}

/** Calls as the gateway does for a signed-in account. */
export function forAccount<T>(account: string, work: () => T): T {
  const who = address(account);
  return actingFor({ account: who, tenant: tenantOfAccount(who) as TenantId }, work);
}

/** Waits until the key is made or failed. */
export async function endedKey(
  client: ProverClient,
  modelCommitmentBytes: Uint8Array,
  proofSystem = ProofSystem.PROOF_SYSTEM_GROTH16,
): Promise<ModelKey> {
  return eventually(async () => {
    const { key } = await client.getKey({ modelCommitment: modelCommitmentBytes, proofSystem });
    if (key === undefined || key.state === KeyState.KEY_STATE_SETTING_UP)
      throw new Error("the key is still being made");
    return key;
  }, 40_000);
}

/** Waits until the proof is made or failed. */
export async function endedProof(client: ProverClient, jobId: string): Promise<ProofJob> {
  return eventually(async () => {
    const { proof } = await client.getProof({ jobId });
    if (
      proof === undefined ||
      proof.state === ProofState.PROOF_STATE_QUEUED ||
      proof.state === ProofState.PROOF_STATE_PROVING
    ) {
      throw new Error(`the proof is still being made: ${JSON.stringify(proof?.progress)}`);
    }
    return proof;
  }, 40_000);
}
