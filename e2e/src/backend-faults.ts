import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import type { Clock } from "@aios/kernel/clock";
import { MainJob, type MainJobResult } from "@aios/main-job/main-job";
import { TRAINING } from "@aios/main-job/plan";
import type { JobState } from "@aios/sdk/api-types";
import { createLogger } from "@aios/service-kit/logger";
import { openEventBus } from "@aios/service-kit/open-event-bus";
import { eventually } from "@aios/testkit/eventually";
import { FaultBench } from "./fault-bench.js";
import { LocalPlatform, ROOT } from "./local-platform.js";
import { OutsideBackends } from "./outside-backends.js";
import { SilentReport } from "./silent-report.js";

export interface BackendFault {
  readonly name: string;
  /** The job's state in which it happens. */
  readonly state: JobState;
  readonly happen: (bench: BackendFaultBench) => Promise<void>;
}

export interface BackendFaultResult {
  readonly violations: readonly string[];
  /** How often a client was told to come back. */
  readonly refusals: number;
  readonly tookMs: number;
}

const DRAINED_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 250;

/** What operators' servers do now and then. */
export const BACKEND_FAULTS: readonly BackendFault[] = [
  {
    name: "kill -9 of the Kafka broker, and its return",
    state: "funded",
    happen: (bench) => bench.backends.kafka.crash(),
  },
  {
    name: "Redis forgets everything and is killed, and returns",
    state: "funded",
    async happen({ backends }) {
      backends.redis.flush();
      await backends.redis.crash();
    },
  },
  {
    name: "PostgreSQL is killed; its base backup with the archived WAL takes over",
    state: "leased",
    happen: (bench) => bench.backends.postgres.failOver(),
  },
];

/** One service is stopped (SIGSTOP): its connections stay open, it hears and says nothing; then it goes on. */
export function partitionOf(service: string, forMs: number): BackendFault {
  return {
    name: `${service} hears and says nothing for ${forMs / 1_000} s`,
    state: "funded",
    async happen({ local }) {
      local.platform.supervisor.signal(service, "SIGSTOP");
      try {
        await pause(forMs);
      } finally {
        local.platform.supervisor.signal(service, "SIGCONT");
      }
    },
  };
}

/** Who listens to which topic, as docs/ARCHITECTURE.md tells operators. */
function documentedListeners(): { readonly topic: string; readonly listeners: readonly string[] }[] {
  const page = readFileSync(join(ROOT, "docs", "ARCHITECTURE.md"), "utf8");
  return [...page.matchAll(/^\| `([\w.-]+\.v1\.[\w.-]+)` \| [\w-]+ \| ([\w, -]+) \|$/gm)].map(
    ([, topic = "", services = ""]) => ({ topic, listeners: services.split(", ") }),
  );
}

/** The platform on an operator's Kafka, Redis and PostgreSQL, on which one proven inference after another is disturbed. */
export class BackendFaultBench {
  readonly backends: OutsideBackends;
  readonly local: LocalPlatform;
  readonly mainJob: MainJobResult;
  readonly #bench: FaultBench;

  private constructor(
    backends: OutsideBackends,
    local: LocalPlatform,
    mainJob: MainJobResult,
    bench: FaultBench,
  ) {
    this.backends = backends;
    this.local = local;
    this.mainJob = mainJob;
    this.#bench = bench;
  }

  /** Starts everything, runs the main job, and takes the base backup that a later failover starts from. */
  static async start(clock: Clock): Promise<BackendFaultBench> {
    const backends = await OutsideBackends.start();
    let local: LocalPlatform | undefined;
    try {
      local = await LocalPlatform.start(backends.environment());
      const parties = { developer: local.client("developer"), business: local.client("business") };
      const mainJob = await new MainJob(parties, new SilentReport(), clock).run({
        providers: 2,
        digitIndex: 7,
      });
      await backends.postgres.takeBaseBackup();
      const { unseen } = splitDigits(await loadDigits(), TRAINING);
      const bench = FaultBench.on(local, mainJob.model.modelId as number, unseen, clock);
      return new BackendFaultBench(backends, local, mainJob, bench);
    } catch (error) {
      const logs = local?.logs() ?? "";
      await local?.stop();
      await backends.stop();
      throw new Error(`${(error as Error).message}\n${logs}`, { cause: error });
    }
  }

  /**
   * What docs/operators/backup.md says of databases that are lost: everything is stopped, a base backup that is older than
   * chain, contents and events takes their place, everything is started, services read the events since then again.
   * Violations of a job that is bought afterwards, and what was there before but is not found any more.
   */
  async restoreOlderDatabases(clock: Clock): Promise<BackendFaultResult> {
    const startedAtMs = clock.now();
    await this.backends.postgres.takeBaseBackup();
    const between = await this.#bench.disturbDuring("funded", () => Promise.resolve());
    await this.local.halt();
    await this.backends.postgres.restoreBaseBackup();
    await this.local.restart();
    await this.#readAgain(startedAtMs);
    const { violations } = await this.#bench.disturbDuring("funded", () => Promise.resolve());
    const before = this.mainJob.inference.job.jobId;
    const { state } = await this.local.client("business").jobs.get(before);
    const lost = state === "settled" ? [] : [`the job of before the backup is ${state}`];
    const all = [...between.violations, ...violations, ...lost, ...(await this.#leftOver())];
    return { violations: all, refusals: 0, tookMs: clock.now() - startedAtMs };
  }

  /** `aios events replay` for every topic and whoever listens to it. */
  async #readAgain(fromMs: number): Promise<void> {
    const bus = await openEventBus({
      url: this.backends.kafka.url,
      applicationName: "aios-cli",
      logger: createLogger({ service: "aios", level: "silent" }),
    });
    try {
      for (const { topic, listeners } of documentedListeners())
        for (const group of listeners) await bus.replay(group, topic, { kind: "time", fromMs });
    } finally {
      await bus.close();
    }
  }

  async stop(): Promise<void> {
    await this.local.stop();
    await this.backends.stop();
  }

  /** One inference under the fault, while somebody reads all the time. */
  async run(fault: BackendFault): Promise<BackendFaultResult> {
    const wrong = new Set<string>();
    let refusals = 0;
    this.local.onAnswer = (answer) => {
      if (answer.status < 500) return;
      refusals += 1;
      if (answer.status !== 503 || !answer.headers.has("retry-after"))
        wrong.add(
          `${new URL(answer.url).pathname} was answered ${answer.status} without a time to come back`,
        );
    };
    try {
      const { violations, tookMs, fired } = await this.#bench.disturbDuring(fault.state, () =>
        this.#readingMeanwhile(() => fault.happen(this)),
      );
      const missed = fired.length === 0 ? ["the job was not seen in the state"] : [];
      return {
        violations: [...missed, ...violations, ...wrong, ...(await this.#leftOver())],
        refusals,
        tookMs,
      };
    } finally {
      this.local.onAnswer = () => undefined;
    }
  }

  /** Reads of every kind go on while the work is done; what is said to them is judged by `onAnswer`. */
  async #readingMeanwhile(work: () => Promise<void>): Promise<void> {
    const ended = new AbortController();
    const reader = this.local.client("business");
    const reads = [() => reader.balances(), () => reader.models.list(), () => reader.jobs.list()];
    const reading = reads.map(async (read) => {
      while (!ended.signal.aborted) {
        await Promise.race([read().catch(() => undefined), pause(ASK_EVERY_MS)]);
        await pause(ASK_EVERY_MS);
      }
    });
    try {
      await work();
    } finally {
      ended.abort();
      await Promise.all(reading);
    }
  }

  /** Every event that was written left its outbox and was handled; none was given up. */
  #leftOver(): Promise<readonly string[]> {
    const owed = async (): Promise<readonly string[]> => {
      const { services } = await this.local.stranger().operations();
      return services.flatMap(({ name, state, outbox, deadLetters }) => [
        ...(state === "ready" ? [] : [`${name} is ${state}`]),
        ...((outbox?.events ?? 0) === 0 ? [] : [`${outbox?.events} events wait in the outbox of ${name}`]),
        ...((deadLetters?.events ?? 0) === 0 ? [] : [`${deadLetters?.events} dead letters at ${name}`]),
      ]);
    };
    return eventually(async () => {
      const left = await owed();
      if (left.length > 0) throw new Error(left.join("; "));
      return left;
    }, DRAINED_WITHIN_MS).catch((error: Error) => [error.message]);
  }
}
