import {
  type ConnectRequest,
  type ConnectResponse,
  ProviderLinkServiceClient,
  ProviderLinkServiceService,
} from "@aios/proto/aios/compute/v1/compute";
import {
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";

export type { ConnectRequest, ConnectResponse };
/** A result as it goes over the link. */
export type JobResultMessage = NonNullable<ConnectRequest["jobResult"]>;

/** What becomes of the messages that pass. */
export interface LinkTampering {
  /** What compute gets instead of the provider's message; none: it is held back. */
  toCompute(message: ConnectRequest): readonly ConnectRequest[];
  /** Sees what compute sends to the provider; it is passed on unchanged. */
  seeFromCompute(message: ConnectResponse): void;
}

/** Stands between provider programs and compute as whoever holds the provider's machine can. */
export class ProviderLinkProxy {
  readonly #server = new Server();
  readonly #client: ProviderLinkServiceClient;
  readonly #tampering: LinkTampering;
  #toCompute: ClientDuplexStream<ConnectRequest, ConnectResponse> | undefined;
  #port = 0;

  private constructor(computeUrl: string, tampering: LinkTampering) {
    this.#client = new ProviderLinkServiceClient(computeUrl, credentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 500,
    });
    this.#tampering = tampering;
  }

  /** @param computeUrl host:port of the compute service. */
  static async start(computeUrl: string, tampering: LinkTampering): Promise<ProviderLinkProxy> {
    const proxy = new ProviderLinkProxy(computeUrl, tampering);
    proxy.#server.addService(
      { connect: ProviderLinkServiceService.connect },
      { connect: (link: ServerDuplexStream<ConnectRequest, ConnectResponse>) => proxy.#pass(link) },
    );
    proxy.#port = await new Promise<number>((resolve, reject) => {
      proxy.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return proxy;
  }

  /** host:port for the provider to dial. */
  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Sends a message over the newest link, as if the provider had. */
  send(message: ConnectRequest): void {
    if (this.#toCompute === undefined) throw new TypeError("no provider is linked");
    this.#toCompute.write(message);
  }

  close(): void {
    this.#toCompute?.cancel();
    this.#server.forceShutdown();
    this.#client.close();
  }

  #pass(link: ServerDuplexStream<ConnectRequest, ConnectResponse>): void {
    // Under the name that the provider dialled: it proves its key to that one only.
    const toCompute = this.#client.connect(link.metadata, { host: link.getHost() });
    this.#toCompute = toCompute;
    link.on("data", (message: ConnectRequest) => {
      for (const passed of this.#tampering.toCompute(message)) toCompute.write(passed);
    });
    link.once("end", () => toCompute.end());
    link.once("cancelled", () => toCompute.cancel());
    link.on("error", () => toCompute.cancel());
    toCompute.on("data", (message: ConnectResponse) => {
      this.#tampering.seeFromCompute(message);
      link.write(message);
    });
    toCompute.once("end", () => link.end());
    toCompute.on(
      "error",
      ({ code = status.UNAVAILABLE, details = "" }: { code?: status; details?: string }) =>
        link.emit("error", { code, details }),
    );
  }
}
