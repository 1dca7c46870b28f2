import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountName } from "@aios/launcher/identities";
import { Platform, type PlatformOptions } from "@aios/launcher/platform";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";
import { wipeEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { systemClock } from "@aios/service-kit/system-clock";
import { repositoryRoot } from "@aios/testkit/repository-root";
import { portRange } from "./port-range.js";

/** Of the repository. */
export const ROOT = repositoryRoot();
/** Tests crash the same process many times on purpose. */
const MAX_RESTART_PAUSE_MS = 500;
/** Nodes of the chain where a test is not about them. */
const ONE_PRODUCER = 1;

/** The whole platform in a directory of its own, for one test file. */
export class LocalPlatform {
  readonly dataDir: string;
  readonly crashes: string[];
  /** Told of every process that ends by itself, before it is started again. */
  onCrash: (name: string) => void = () => undefined;
  /** Told of every answer that the gateway gives to clients of accounts. */
  onAnswer: (answer: Response) => void = () => undefined;
  readonly #options: PlatformOptions;
  #platform: Platform;

  private constructor(platform: Platform, dataDir: string, crashes: string[], options: PlatformOptions) {
    this.#platform = platform;
    this.#options = options;
    this.dataDir = dataDir;
    this.crashes = crashes;
  }

  static async start(
    extraEnv: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
    dataDir = mkdtempSync(join(tmpdir(), "aios-e2e-")),
    honorNodes = ONE_PRODUCER,
  ): Promise<LocalPlatform> {
    const crashes: string[] = [];
    let told: (name: string) => void = () => undefined;
    const options: PlatformOptions = {
      root: ROOT,
      dataDir,
      portBase: portRange(),
      honorNodes,
      clock: systemClock,
      extraEnv,
      maxRestartPauseMs: MAX_RESTART_PAUSE_MS,
      events: {
        started() {},
        ready() {},
        crashed(exit) {
          crashes.push(exit.name);
          told(exit.name);
        },
      },
    };
    const local = new LocalPlatform(await startOrTell(options), dataDir, crashes, options);
    told = (name) => local.onCrash(name);
    return local;
  }

  get platform(): Platform {
    return this.#platform;
  }

  /** Stops all processes and starts them again on the same state. Returns how long the start took, in ms. */
  async restart(): Promise<number> {
    await this.#platform.stop();
    const startedAt = systemClock.now();
    this.#platform = await startOrTell(this.#options);
    return systemClock.now() - startedAt;
  }

  /** Stops all processes and keeps the state. */
  halt(): Promise<void> {
    return this.#platform.stop();
  }

  get url(): string {
    return this.platform.gatewayUrl;
  }

  client(account: AccountName): AiosClient {
    return new AiosClient({
      baseUrl: this.url,
      signer: privateKeySigner(this.platform.privateKey(account)),
      fetch: async (input, init) => {
        const answer = await fetch(input, init);
        this.onAnswer(answer);
        return answer;
      },
    });
  }

  /** A client without an account. */
  stranger(): AiosClient {
    return new AiosClient({ baseUrl: this.url });
  }

  /** The last lines of every process's log, for a failing test's message. */
  logs(): string {
    return lastLogLines(this.dataDir);
  }

  async stop(): Promise<void> {
    await this.platform.stop();
    wipeEmbeddedPostgres(join(this.dataDir, "postgres"));
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

function startOrTell(options: PlatformOptions): Promise<Platform> {
  return Platform.start(options).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}\n${lastLogLines(options.dataDir)}`, { cause: error });
  });
}

function lastLogLines(dataDir: string): string {
  const directory = join(dataDir, "logs");
  return readdirSync(directory)
    .map((name) => {
      const lines = readFileSync(join(directory, name), "utf8").trimEnd().split("\n");
      const notable = lines.filter((line) => !line.includes('"level":"info"')).slice(-5);
      return `--- ${name}\n${notable.map((line) => line.slice(0, 500)).join("\n")}`;
    })
    .join("\n");
}
