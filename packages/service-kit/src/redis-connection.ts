import { CodedError } from "@aios/kernel/coded-error";
import { Redis } from "ioredis";
import type { Logger } from "./logger.js";

const COMMAND_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 500;
const MAX_PENDING = 10_000;

export interface RedisOptions {
  /** redis://user:password@host:port/database, or rediss:// for TLS. */
  readonly url: string;
  readonly applicationName: string;
  readonly logger: Logger;
}

/** A Lua script that Redis runs as one step. */
export interface RedisScript {
  readonly source: string;
}

/**
 * One connection that comes back by itself. A command waits two seconds for it at most and then fails with
 * `redis-unavailable`; so does any that comes while ten thousand wait.
 */
export class RedisConnection {
  readonly #redis: Redis;
  #pending = 0;
  #lastFailure: Error | undefined;

  constructor(options: RedisOptions) {
    this.#redis = new Redis(options.url, {
      connectionName: options.applicationName,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: COMMAND_TIMEOUT_MS,
      maxRetriesPerRequest: null,
      // A script that was under way when the connection broke may have run: its caller decides whether to repeat.
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(20 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    });
    this.#redis.on("error", (error: Error) => {
      this.#lastFailure = error;
      options.logger.warn({ error }, "Redis cannot be reached");
    });
  }

  /** Runs a script; the answer is as Redis gives it. */
  async run(
    script: RedisScript,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown> {
    return this.#guard(() => this.#redis.eval(script.source, keys.length, ...keys, ...values));
  }

  /** Rejects when Redis does not answer. */
  async ping(): Promise<void> {
    await this.#guard(() => this.#redis.ping());
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#pending >= MAX_PENDING) throw unavailable(undefined);
    this.#lastFailure = undefined;
    this.#pending += 1;
    try {
      return await work();
    } catch (error) {
      // A command that waited in vain for a connection knows nothing of why there is none.
      throw isAnswer(error) ? error : unavailable(this.#lastFailure ?? error);
    } finally {
      this.#pending -= 1;
    }
  }
}

/** An error that Redis answered with, other than that it is starting, full or a replica. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== "ReplyError") return false;
  return !/^(LOADING|MASTERDOWN|READONLY|OOM|MISCONF|CLUSTERDOWN|TRYAGAIN)\b/.test(error.message);
}

function unavailable(cause: unknown): CodedError {
  return new CodedError({
    code: "redis-unavailable",
    kind: "unavailable",
    message: "Redis cannot be reached just now; try again shortly.",
    retryAfterMs: 1_000,
    ...(cause === undefined ? {} : { cause }),
  });
}
