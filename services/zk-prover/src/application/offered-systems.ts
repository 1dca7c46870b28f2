import type { CodedError } from "@aios/kernel/coded-error";
import type { ProofSystem } from "../domain/proof-system.js";
import type { ProofBackEnd } from "./proof-back-end.js";

/** The proof systems that this process proves by just now, and why it does not by the others. */
export class OfferedSystems {
  readonly #backEnds = new Map<ProofSystem, ProofBackEnd>();
  readonly #refusals = new Map<ProofSystem, CodedError>();

  offer(backEnd: ProofBackEnd): void {
    this.#refusals.delete(backEnd.system);
    this.#backEnds.set(backEnd.system, backEnd);
  }

  refuse(system: ProofSystem, reason: CodedError): void {
    this.#backEnds.delete(system);
    this.#refusals.set(system, reason);
  }

  /** Whose work this process takes; what is open of the others waits for a process that has them. */
  names(): readonly ProofSystem[] {
    return [...this.#backEnds.keys()];
  }

  /** Throws `proof-system-unavailable`, which says why. */
  backEnd(system: ProofSystem): ProofBackEnd {
    const backEnd = this.#backEnds.get(system);
    if (backEnd !== undefined) return backEnd;
    throw this.#refusals.get(system) ?? new TypeError(`nothing is known of ${system}`);
  }
}
