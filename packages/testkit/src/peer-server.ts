import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { eventually } from "./eventually.js";
import type { Peer } from "./peer.js";

type Definition = Parameters<Server["addService"]>[0];

/** A gRPC server that plays a peer. Killed and started again it keeps its port. */
export class PeerServer implements Peer {
  readonly #services: (readonly [Definition, UntypedServiceImplementation])[] = [];
  #server: Server | undefined;
  #port = 0;

  /** Serves some methods of a service; `definition` names those that it has. */
  add(definition: Definition, methods: UntypedServiceImplementation): this {
    this.#services.push([definition, methods]);
    return this;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens on `port`; 0 picks a free one. */
  async start(port = 0): Promise<void> {
    const server = new Server();
    for (const [definition, methods] of this.#services) server.addService(definition, methods);
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.#server = server;
  }

  /** Cuts every call and listens no more. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  async kill(): Promise<void> {
    this.stop();
  }

  async restart(): Promise<void> {
    this.stop();
    await eventually(() => this.start(this.#port));
  }
}
