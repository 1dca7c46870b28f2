import { checkpointId } from "@aios/core-finality/checkpoint";
import type { FinalityMessage } from "@aios/core-finality/messages";
import type { SeededRng } from "@aios/kernel/random";
import type { Packet } from "./simulated-node.js";

const REMEMBERED = 50;

/**
 * What Byzantine nodes send instead of what the protocol says, for each recipient anew: nothing, another vote, another
 * proposal (wrong root, withheld data, another tip), an old message or certificate again. They work together: each
 * knows all checkpoints that any of them has seen.
 */
export class Lies {
  readonly #rng: SeededRng;
  readonly #liars: ReadonlySet<number>;
  readonly #seen: Packet[] = [];
  readonly #checkpointIds: string[] = [];

  constructor(rng: SeededRng, liars: ReadonlySet<number>) {
    this.#rng = rng;
    this.#liars = liars;
  }

  twist(packet: Packet): Packet | undefined {
    this.#remember(packet);
    const choice = this.#rng.below(10);
    if (choice < 3) return packet;
    if (choice < 5) return undefined;
    if (choice === 5) return this.#seen[this.#rng.below(this.#seen.length)];
    // They cannot sign for others, whose votes they may pass on.
    if (packet.kind !== "message" || !this.#liars.has(packet.message.sender)) return packet;
    return { ...packet, message: this.#other(packet.message) };
  }

  #other(message: FinalityMessage): FinalityMessage {
    if (message.kind !== "proposal") return { ...message, checkpointId: this.#someCheckpoint() };
    const { checkpoint } = message;
    const lie = this.#rng.below(3);
    const changed =
      lie === 0
        ? { ...checkpoint, attestedRoot: "wrong" }
        : lie === 1
          ? { ...checkpoint, tip: `withheld-${checkpoint.tip}` }
          : { ...checkpoint, tip: `other-${this.#rng.below(2)}` };
    this.#know(checkpointId(changed));
    return { ...message, checkpoint: changed };
  }

  #someCheckpoint(): string | undefined {
    const pick = this.#rng.below(this.#checkpointIds.length + 1);
    return this.#checkpointIds[pick];
  }

  #remember(packet: Packet): void {
    this.#seen.push(packet);
    if (this.#seen.length > REMEMBERED) this.#seen.shift();
    if (packet.kind !== "message") return;
    const { message } = packet;
    const id = message.kind === "proposal" ? checkpointId(message.checkpoint) : message.checkpointId;
    if (id !== undefined) this.#know(id);
  }

  #know(id: string): void {
    if (this.#checkpointIds.includes(id)) return;
    this.#checkpointIds.push(id);
    if (this.#checkpointIds.length > 4) this.#checkpointIds.shift();
  }
}
