import { tooManyHandshakes } from "../../domain/errors.js";

/** One host takes at most this part of the places, so that it cannot keep everybody else out. */
const PART_OF_ONE_HOST = 4;

/** How many links may be in their handshake at once. Anybody may open a link, and a key costs nothing. */
export class HandshakeRoom {
  readonly #limit: number;
  readonly #limitOfHost: number;
  readonly #takenByHost = new Map<string, number>();
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#limitOfHost = Math.ceil(limit / PART_OF_ONE_HOST);
  }

  /** Answers what gives the place back, once. Throws `too-many-handshakes`. */
  enter(host: string): () => void {
    const taken = this.#takenByHost.get(host) ?? 0;
    if (this.#taken >= this.#limit || taken >= this.#limitOfHost) throw tooManyHandshakes();
    this.#taken += 1;
    this.#takenByHost.set(host, taken + 1);
    let isIn = true;
    return () => {
      if (isIn) this.#leave(host);
      isIn = false;
    };
  }

  #leave(host: string): void {
    const left = (this.#takenByHost.get(host) ?? 1) - 1;
    this.#taken -= 1;
    if (left === 0) this.#takenByHost.delete(host);
    else this.#takenByHost.set(host, left);
  }
}
