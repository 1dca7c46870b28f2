import { encodeEvidence } from "@aios/core-groth16/evidence";
import type { Claim } from "@aios/core-proving-queue/work-queue";
import { committedInput, computeWitness } from "@aios/core-zkml/circuit";
import { decodeJobInput, type JobInput } from "@aios/core-zkml/job-input";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import { bytesToInteger, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { publicInputs, STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import type { Clock } from "@aios/kernel/clock";
import { crashPoint } from "@aios/service-kit/crash-point";
import { monotonicMs } from "@aios/service-kit/system-clock";
import {
  inputCommitmentMismatch,
  oracleDisagrees,
  selfVerificationFailed,
  statementUnsupported,
  verifyingKeyMismatch,
} from "../domain/errors.js";
import { verifyingKeyHash } from "../domain/model-key.js";
import type { ContentStore, ProofStore } from "../domain/ports.js";
import type { ProofJobRecord, ProofRequest, ProofResult } from "../domain/proof-job.js";
import type { ProvenModel } from "../domain/proof-system.js";
import type { LoadedModel, LoadedModels } from "./loaded-models.js";
import { hexOf } from "./open-model.js";
import type { ProgressBoard } from "./progress-board.js";
import { reportProgress } from "./report-progress.js";

export interface MakeProofHooks {
  proven(model: ProvenModel, constraints: number, proveMs: number): void;
}

/** Proves one job: check the claim against the reference evaluator, prove, verify, store the evidence, record. */
export class MakeProof {
  constructor(
    private readonly ports: {
      readonly proofs: ProofStore;
      readonly contents: ContentStore;
      readonly models: LoadedModels;
      readonly progress: ProgressBoard;
      readonly clock: Clock;
      readonly hooks: MakeProofHooks;
    },
  ) {}

  async execute(claim: Claim, job: ProofJobRecord, signal: AbortSignal): Promise<void> {
    crashPoint("zk-prover.proof.after-claim");
    const { contents, models, progress } = this.ports;
    const { request } = job;
    const ended = new AbortController();
    void reportProgress(claim, request.jobId, this.ports, ended.signal);
    try {
      progress.set(request.jobId, "fetching-input", 5, "Model and input are fetched and decrypted.");
      if (request.version !== STATEMENT_VERSION)
        throw statementUnsupported(request.version, STATEMENT_VERSION);
      const input = contents.readSecret(request.inputCid, "proof", request.jobId, signal);
      // Its failure is awaited below; a model that fails first must not leave it unhandled.
      input.catch(() => undefined);
      let constraints = 0;
      const result = await models.use(
        request,
        request.jobId,
        signal,
        async (loaded) => {
          constraints = loaded.material.constraintCount;
          return this.#prove(request, loaded, decodeJobInput(await input), signal);
        },
        () => progress.set(request.jobId, "loading-key", 10, "The model's circuit and key are loaded."),
      );
      crashPoint("zk-prover.proof.before-end");
      await this.ports.proofs.complete(claim, result);
      crashPoint("zk-prover.proof.after-end");
      this.ports.hooks.proven(request, constraints, result.proveMs);
    } finally {
      ended.abort();
      progress.end(request.jobId);
    }
  }

  async #prove(
    request: ProofRequest,
    { model, material, circuit, backEnd }: LoadedModel,
    { input, salt }: JobInput,
    signal: AbortSignal,
  ): Promise<ProofResult> {
    const { contents, progress } = this.ports;
    const report = (stage: string, percent: number, message: string): void =>
      progress.set(request.jobId, stage, percent, message);
    const { verifyingKey } = material;
    if (hexOf(verifyingKeyHash(verifyingKey)) !== hexOf(request.verifyingKeyHash))
      throw verifyingKeyMismatch();

    report("checking-output", 20, "The committed model is evaluated again.");
    const output = packOutput(evaluateModel(model, input));
    const claimed = bytesToInteger(request.claimedOutput);

    crashPoint("zk-prover.proof.before-prove");
    report("witness", 25, "The circuit's witness is computed.");
    const startedAt = monotonicMs();
    const context = statementContext({
      ...request,
      modelCommitment: Buffer.from(request.modelCommitment.slice(2), "hex"),
    });
    const witness = computeWitness(model, circuit.r1cs, input, salt, context);
    // The witness has the commitment anyway: for an image it is a third of the time that a witness takes.
    if (committedInput(witness) !== bytesToInteger(request.inputCommitment)) throw inputCommitmentMismatch();
    if (output !== claimed) throw oracleDisagrees(claimed, output);
    const proof = await circuit.prove(witness, signal, (fraction, part) =>
      report("proving", 30 + 55 * fraction, part),
    );
    const proveMs = Math.round(monotonicMs() - startedAt);
    crashPoint("zk-prover.proof.after-prove");

    report("verifying", 85, "The proof is verified by the independent verifier.");
    const inputs = publicInputs(context, bytesToInteger(request.inputCommitment), claimed);
    if (!(await backEnd.verify(verifyingKey, inputs, proof))) throw selfVerificationFailed();

    report("storing-evidence", 90, "The evidence is stored.");
    const evidence = encodeEvidence({ verifyingKey, proof });
    const evidenceCid = await contents.write(evidence, "proof", false, signal);
    return { proof, publicInputs: inputs.map(scalarToBytes), evidence, evidenceCid, proveMs };
  }
}
