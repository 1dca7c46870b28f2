import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import type { Clock } from "@aios/kernel/clock";
import { MainJob } from "@aios/main-job/main-job";
import { TRAINING } from "@aios/main-job/plan";
import type { JobState } from "@aios/sdk/api-types";
import type { CrashPoint } from "./crash-points.js";
import { DIGIT_LAYERS, type FlowContext, publishRandomModel, runFlow } from "./fault-flows.js";
import { LocalPlatform } from "./local-platform.js";
import { SilentReport } from "./silent-report.js";

export interface FaultResult {
  /** Points that were passed, and so killed their process. */
  readonly fired: readonly string[];
  /** What is wrong; empty when the work was done once and paid once. */
  readonly violations: readonly string[];
  readonly tookMs: number;
}

const READY_WITHIN_MS = 60_000;
/** A call that died with its process is taken over soon. */
const SHORT_CLAIMS = { GATEWAY_IDEMPOTENCY_CLAIM: "6s" };
const PROVIDERS: readonly string[] = ["provider-1", "provider-2"];

/** A platform with a published model, on which one flow after another runs while processes die at armed points. */
export class FaultBench {
  readonly local: LocalPlatform;
  readonly #context: FlowContext;
  readonly #clock: Clock;

  private constructor(local: LocalPlatform, context: FlowContext) {
    this.local = local;
    this.#context = context;
    this.#clock = context.clock;
  }

  /** Starts a platform and takes it through the main job once, with a model that needs no training. */
  static async start(clock: Clock): Promise<FaultBench> {
    const local = await LocalPlatform.start({ gateway: SHORT_CLAIMS });
    try {
      await publishRandomModel({ local, clock }, DIGIT_LAYERS);
      const mainJob = new MainJob(
        { developer: local.client("developer"), business: local.client("business") },
        new SilentReport(),
        clock,
      );
      const result = await mainJob.run({ providers: 2, digitIndex: 0 });
      const { unseen } = splitDigits(await loadDigits(), TRAINING);
      return FaultBench.on(local, result.model.modelId as number, unseen, clock);
    } catch (error) {
      const logs = local.logs();
      await local.stop();
      throw new Error(`${(error as Error).message}\n${logs}`, { cause: error });
    }
  }

  /** A bench on a platform that already has a published model. */
  static on(local: LocalPlatform, modelId: number, unseen: LabelledDigits, clock: Clock): FaultBench {
    return new FaultBench(local, { local, clock, modelId, digit: digitAt(unseen, 1) });
  }

  /** What flows of other kinds need on the same platform. */
  get context(): FlowContext {
    return this.#context;
  }

  stop(): Promise<void> {
    return this.local.stop();
  }

  /** Arms the points, runs the flow that passes them, and looks at what came of it. */
  async run(points: readonly CrashPoint[]): Promise<FaultResult> {
    const markers = mkdtempSync(join(tmpdir(), "aios-crash-"));
    const startedAt = this.#clock.now();
    await this.#arm(points, markers);
    const violations: string[] = [];
    for (const flow of new Set(points.map((point) => point.flow))) {
      violations.push(...(await runFlow(flow, this.#context)));
    }
    return {
      fired: points.filter((point) => existsSync(join(markers, point.name))).map((point) => point.name),
      violations,
      tookMs: this.#clock.now() - startedAt,
    };
  }

  /** Ends one process with SIGKILL while a proven inference runs, as soon as the job reaches the state. */
  async killDuring(process: string, state: JobState): Promise<FaultResult> {
    const startedAt = this.#clock.now();
    const fired: string[] = [];
    const violations = await runFlow("proof", {
      ...this.#context,
      onChange: (job) => {
        if (job.state !== state || fired.length > 0) return;
        fired.push(`${process} at ${state}`);
        this.local.platform.supervisor.signal(process, "SIGKILL");
      },
    });
    await this.local.platform.supervisor.awaitReady(process, READY_WITHIN_MS);
    return { fired, violations, tookMs: this.#clock.now() - startedAt };
  }

  /** Runs a proven inference and, once as it reaches the state, something that disturbs the platform and ends. */
  async disturbDuring(state: JobState, disturb: () => Promise<void>): Promise<FaultResult> {
    const startedAt = this.#clock.now();
    const fired: string[] = [];
    let disturbed = Promise.resolve();
    const violations = await runFlow("proof", {
      ...this.#context,
      onChange: (job) => {
        if (job.state !== state || fired.length > 0) return;
        fired.push(state);
        disturbed = disturb();
        disturbed.catch(() => undefined);
      },
    });
    await disturbed;
    return { fired, violations, tookMs: this.#clock.now() - startedAt };
  }

  /** The provider that gets the next lease dies with it and stays dead until the job has ended. */
  async loseTheProvider(): Promise<FaultResult & { readonly lost: string; readonly paid: string | null }> {
    const startedAt = this.#clock.now();
    const { local } = this;
    const marker = join(mkdtempSync(join(tmpdir(), "aios-crash-")), "granted");
    let lost = "";
    let paid: string | null = null;
    local.onCrash = (name) => {
      if (!existsSync(marker) || !PROVIDERS.includes(name)) return;
      lost = name;
      local.platform.supervisor.abandon(name);
    };
    for (const name of PROVIDERS) {
      const env = { AIOS_CRASH_AT: `provider.grant.after-persist=${marker}` };
      await local.platform.supervisor.restartWith(name, env, READY_WITHIN_MS);
    }
    try {
      const violations = await runFlow("proof", {
        ...this.#context,
        onChange: (job) => {
          paid = job.provider;
        },
      });
      return { fired: [lost], violations, tookMs: this.#clock.now() - startedAt, lost, paid };
    } finally {
      local.onCrash = () => undefined;
      if (lost !== "") await local.platform.supervisor.revive(lost, READY_WITHIN_MS);
    }
  }

  async #arm(points: readonly CrashPoint[], markers: string): Promise<void> {
    const byProcess = new Map<string, string[]>();
    for (const point of points) {
      for (const process of point.process === "provider" ? PROVIDERS : [point.process]) {
        byProcess.set(process, [
          ...(byProcess.get(process) ?? []),
          `${point.name}=${join(markers, point.name)}`,
        ]);
      }
    }
    await Promise.all(
      [...byProcess].map(([process, entries]) =>
        this.local.platform.supervisor.restartWith(
          process,
          { AIOS_CRASH_AT: entries.join(",") },
          READY_WITHIN_MS,
        ),
      ),
    );
  }
}
