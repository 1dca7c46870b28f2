import { type MessageHandler, Server } from "@nestjs/microservices";
import type { EventBusTransport } from "./event-bus-transport.js";
import type { GrpcTransport } from "./grpc-transport.js";

/** One Nest transport out of two: `@EventPattern` handlers go to the event bus, all others to gRPC. */
export class ServiceTransport extends Server {
  override readonly propagatesEventHandlerErrors = true;
  readonly #grpc: GrpcTransport | undefined;
  readonly #events: EventBusTransport | undefined;

  constructor(grpc: GrpcTransport | undefined, events: EventBusTransport | undefined) {
    super();
    this.#grpc = grpc;
    this.#events = events;
  }

  override addHandler(
    pattern: unknown,
    handler: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const transport = isEventHandler ? this.#events : this.#grpc;
    if (transport === undefined) {
      const name = typeof pattern === "string" ? pattern : JSON.stringify(pattern);
      throw new TypeError(
        isEventHandler
          ? `there is a handler for event ${name}, but runService was not given consumers: true`
          : `there is a handler for ${name}, but runService was given no gRPC services`,
      );
    }
    transport.addHandler(pattern, handler, isEventHandler, extras);
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      if (this.#grpc !== undefined) await listening(this.#grpc);
      await this.#events?.start();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#grpc?.close(), this.#events?.close()]);
  }

  on(): never {
    throw new TypeError("the service transport emits nothing");
  }

  unwrap<T>(): T {
    return { grpc: this.#grpc, events: this.#events } as T;
  }
}

function listening(grpc: GrpcTransport): Promise<void> {
  return new Promise((resolve, reject) => {
    void grpc.listen((error?: unknown) =>
      error === undefined || error === null ? resolve() : reject(error),
    );
  });
}
