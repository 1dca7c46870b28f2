import { durationMs } from "@aios/kernel/units";
import pg from "pg";
import type { Logger } from "./logger.js";
import { systemClock } from "./system-clock.js";

export interface ListenerOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly channels: readonly string[];
  readonly logger: Logger;
  readonly onNotification: (channel: string, payload: string) => void;
  /** Runs on every new connection before it counts as connected; a failure reconnects. */
  readonly onConnected?: (client: pg.Client) => Promise<void>;
  readonly onDisconnected?: () => void;
}

const FIRST_RECONNECT_MS = 50;
const MAX_RECONNECT_MS = 1_000;

/** A connection of its own that listens for notifications and comes back by itself after the server was away. */
export class PostgresListener {
  readonly #options: ListenerOptions;
  readonly #stop = new AbortController();
  #client: pg.Client | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** The connection while there is one. */
  get client(): pg.Client | undefined {
    return this.#client;
  }

  /** Resolves with the first connection; throws when that fails. Later losses mend themselves. */
  async start(): Promise<void> {
    const { lost } = await this.#connect();
    this.#loop = this.#keepConnected(lost);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#disconnect();
    await this.#loop;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  /** `lost` resolves when this connection is gone. */
  async #connect(): Promise<{ readonly lost: Promise<void> }> {
    const { url, applicationName, channels, onNotification, onConnected } = this.#options;
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
    });
    const lost = new Promise<void>((resolve) => {
      client.once("end", resolve);
      client.on("error", () => {
        resolve();
        client.end().catch(() => undefined);
      });
    });
    client.on("notification", ({ channel, payload }) => onNotification(channel, payload ?? ""));
    try {
      await client.connect();
      for (const channel of channels) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      await onConnected?.(client);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    return { lost };
  }

  async #keepConnected(firstLoss: Promise<void>): Promise<void> {
    let loss = firstLoss;
    let delayMs = FIRST_RECONNECT_MS;
    for (;;) {
      await loss;
      if (this.#stop.signal.aborted) return;
      if (this.#client !== undefined) this.#options.onDisconnected?.();
      this.#client = undefined;
      try {
        ({ lost: loss } = await this.#connect());
        delayMs = FIRST_RECONNECT_MS;
      } catch (error) {
        this.#options.logger.warn(
          { error, retryInMs: delayMs },
          "the notification connection could not be made",
        );
        await systemClock.wait(durationMs(delayMs), this.#stop.signal).catch(() => undefined);
        delayMs = Math.min(delayMs * 2, MAX_RECONNECT_MS);
        loss = Promise.resolve();
      }
      if (this.#stop.signal.aborted) {
        await this.#disconnect();
        return;
      }
    }
  }
}
