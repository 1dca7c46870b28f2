import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * One address in front of several processes, as a cluster's Service is: it chooses for each new connection, and a
 * connection stays where it is.
 */
export class ConnectionBalancer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #backends: readonly number[] = [];
  #turn = 0;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  }

  static async start(): Promise<ConnectionBalancer> {
    const balancer = new ConnectionBalancer();
    balancer.#server.listen(0, "127.0.0.1");
    await once(balancer.#server, "listening");
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ports that new connections go to from now on. */
  route(...ports: readonly number[]): void {
    this.#backends = ports;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const port = this.#backends[this.#turn++ % this.#backends.length];
    if (port === undefined) return void client.destroy();
    const backend = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    for (const [from, to] of [
      [client, backend],
      [backend, client],
    ] as const) {
      this.#open.add(from);
      from.setNoDelay(true);
      from.on("error", () => to.destroy());
      from.once("close", () => {
        this.#open.delete(from);
        if (from.errored !== null) to.destroy();
      });
      from.pipe(to);
    }
  }
}
