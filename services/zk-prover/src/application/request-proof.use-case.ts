import { createHash } from "node:crypto";
import { type Address, tenantOfAccount } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { ProofStore } from "../domain/ports.js";
import type { ProofJobRecord, ProofRequest } from "../domain/proof-job.js";
import type { ProofTimes } from "./quote-proof.use-case.js";

export type ProofQuestion = Omit<ProofRequest, "requestHash">;

/** Writes the work down before anything is done; the same question for a job gives the same proof. */
export class RequestProof {
  constructor(
    private readonly proofs: ProofStore,
    private readonly times: ProofTimes,
    private readonly queueLimit: number,
    private readonly ring: () => void,
  ) {}

  async execute(question: ProofQuestion): Promise<ProofJobRecord> {
    const request = { ...question, requestHash: hashOf(question) };
    const tenantId = tenantOfAccount(question.requester as Address);
    crashPoint("zk-prover.request-proof.before-persist");
    const retryAfterMs = this.times[question.proofSystem].nextFreeMs();
    const record = await this.proofs.request(request, tenantId, this.queueLimit, retryAfterMs);
    crashPoint("zk-prover.request-proof.after-persist");
    this.ring();
    return record;
  }
}

/** Of what is asked, not of how urgent it is. Groth16 goes without saying: requests from before there was another. */
function hashOf({
  priority: _priority,
  deadline: _deadline,
  proofSystem,
  ...asked
}: ProofQuestion): Uint8Array {
  const hash = createHash("sha256");
  const entries = Object.entries(proofSystem === "groth16" ? asked : { ...asked, proofSystem }).sort(
    ([a], [b]) => (a < b ? -1 : 1),
  );
  for (const [name, value] of entries) {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
    hash.update(`${name}\0${text}\0`);
  }
  return hash.digest();
}
