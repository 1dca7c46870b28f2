import type { FinalityHeight } from "@aios/core-finality/finality-height";
import { contentOf, type FinalityMessage } from "@aios/core-finality/messages";

/** Beyond it copies are checked again and peers' contradictions go unseen. */
const MAX_REMEMBERED = 10_000;
/** Of one sender and step two are looked at: they convict it, and further ones tell nothing new. */
const CONTENTS_OF_STEP = 2;

type Asked = Pick<FinalityHeight, "concernOf" | "isBacked">;

/**
 * Which messages of a height are worth the check of a signature, which costs a thousand times what a packet does, and who
 * passes on what no honest node does. A faulty node signs whatever it likes, as often as it likes.
 */
export class VoteGate {
  readonly #patienceMs: number;
  /** Messages whose signatures were checked. */
  readonly #checked = new Set<string>();
  /** By step: what its sender signed. */
  readonly #contents = new Map<string, Set<string>>();
  /** By peer and step: what the peer passed on first. */
  readonly #passedOn = new Map<string, string>();
  /** By sender: when a message was looked at last that only tells how far it is. */
  readonly #farAtMs = new Map<number, number>();

  /** `patienceMs`: between two messages of a sender that only tell how far it is. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Another height begins. */
  clear(): void {
    this.#checked.clear();
    this.#contents.clear();
    this.#passedOn.clear();
    this.#farAtMs.clear();
  }

  /** Copies come often, and cost no second check. */
  isChecked(message: FinalityMessage, signature: string): boolean {
    return this.#checked.has(copyOf(message, signature));
  }

  /** Whether the signature is to be checked now: the message could matter, and is not one too many. */
  isWorthwhile(message: FinalityMessage, core: Asked, nowMs: number): boolean {
    const concern = core.concernOf(message);
    if (concern === undefined) return false;
    if (concern === "round") {
      const beforeMs = this.#farAtMs.get(message.sender);
      if (beforeMs !== undefined && nowMs - beforeMs < this.#patienceMs) return false;
      this.#farAtMs.set(message.sender, nowMs);
      return true;
    }
    const contents = this.#contents.get(stepOf(message));
    if (contents === undefined || contents.size < CONTENTS_OF_STEP || contents.has(contentOf(message)))
      return true;
    return message.kind !== "proposal" && core.isBacked(message);
  }

  /** The signature is good. */
  noteChecked(message: FinalityMessage, signature: string): void {
    if (this.#checked.size >= MAX_REMEMBERED) return;
    this.#checked.add(copyOf(message, signature));
    const step = stepOf(message);
    const contents = this.#contents.get(step);
    if (contents === undefined) this.#contents.set(step, new Set([contentOf(message)]));
    else contents.add(contentOf(message));
  }

  /** A peer passed on a message whose signature is good. */
  notePassedOn(peer: string, message: FinalityMessage): void {
    const key = `${peer}/${stepOf(message)}`;
    if (this.#passedOn.size < MAX_REMEMBERED && !this.#passedOn.has(key))
      this.#passedOn.set(key, contentOf(message));
  }

  /**
   * Whether a peer passed on something else of the same sender and step before. No honest node does: beside its own messages
   * it passes on votes of one quorum for each round.
   */
  isContradiction(peer: string, message: FinalityMessage): boolean {
    const first = this.#passedOn.get(`${peer}/${stepOf(message)}`);
    return first !== undefined && first !== contentOf(message);
  }
}

function stepOf({ sender, kind, round }: FinalityMessage): string {
  return `${sender}/${kind}/${round}`;
}

function copyOf(message: FinalityMessage, signature: string): string {
  return `${stepOf(message)}/${contentOf(message)}/${signature}`;
}
