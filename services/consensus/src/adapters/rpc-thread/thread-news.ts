import { type ChainEventMap, ChainEvents, type ChainNews } from "../../application/chain-events.js";
import type { NodeChannel } from "./node-channel.js";

/** News of the chain in another thread, which hears of admitted transactions only while somebody wants to. */
export class ThreadNews implements ChainNews {
  readonly #events: ChainEvents;
  #wantAdmitted = 0;

  constructor(
    private readonly channel: Pick<NodeChannel, "tell">,
    onListenerError: (error: unknown) => void,
  ) {
    this.#events = new ChainEvents(onListenerError);
  }

  on<K extends "head" | "admitted">(name: K, listener: (event: ChainEventMap[K]) => void): () => void {
    const off = this.#events.on(name, listener);
    if (name !== "admitted") return off;
    if (this.#wantAdmitted++ === 0) this.channel.tell({ kind: "interest", admitted: true });
    let isOn = true;
    return () => {
      off();
      if (isOn && --this.#wantAdmitted === 0) this.channel.tell({ kind: "interest", admitted: false });
      isOn = false;
    };
  }

  emit<K extends "head" | "admitted">(name: K, event: ChainEventMap[K]): void {
    this.#events.emit(name, event);
  }
}
