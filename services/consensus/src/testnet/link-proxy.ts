import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";

/** Bytes on their way in one direction; beyond them the sender waits. */
const MAX_UNDERWAY_BYTES = 4 * 1024 * 1024;

/** A link between two nodes on one machine: with a delay each way, and cut when it is told to be. */
export class LinkProxy {
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #target = 0;
  #isCut = false;

  constructor(clock: Clock, latencyMs: number) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#server = createServer((near) => this.#join(near));
  }

  /** Listens; returns the port. What comes in goes to `target` on this machine. */
  async start(target: number): Promise<number> {
    this.#target = target;
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Ends what is open and lets nothing new through. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket): void {
    near.on("error", () => undefined);
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect({ host: "127.0.0.1", port: this.#target });
    far.on("error", () => undefined);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.once("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      this.#carry(from, to);
    }
  }

  #carry(from: Socket, to: Socket): void {
    let underway = 0;
    from.on("data", (chunk: Buffer) => {
      if (this.#latencyMs === 0) {
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
        return;
      }
      underway += chunk.length;
      if (underway > MAX_UNDERWAY_BYTES) from.pause();
      void this.#clock.wait(durationMs(this.#latencyMs)).then(() => {
        underway -= chunk.length;
        if (underway <= MAX_UNDERWAY_BYTES) from.resume();
        if (!to.destroyed) to.write(chunk);
      });
    });
  }
}
