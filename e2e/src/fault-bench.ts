import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import type { Clock } from "@aios/kernel/clock";
import { MainJob } from "@aios/main-job/main-job";
import { TRAINING } from "@aios/main-job/plan";
import type { JobState } from "@aios/sdk/api-types";
import { CrashMarkers, processesOf } from "./crash-markers.js";
import { type CrashPoint, type Flow, findCrashPoints, OTHER_NODE } from "./crash-points.js";
import { DIGIT_LAYERS, type FlowContext, publishRandomModel, runFlow } from "./fault-flows.js";
import { LocalPlatform, ROOT } from "./local-platform.js";
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
const GRANTED = "provider.grant.after-persist";
/** Who passes points also while nothing is asked for: they are armed amid the flow, and not before it. */
const NEVER_AT_REST: readonly string[] = ["consensus", OTHER_NODE];

/** A platform with a published model, on which one flow after another runs while processes die at armed points. */
export class FaultBench {
  readonly local: LocalPlatform;
  readonly #context: FlowContext;
  readonly #clock: Clock;
  readonly #markers: CrashMarkers;

  private constructor(local: LocalPlatform, context: FlowContext, markers: CrashMarkers) {
    this.local = local;
    this.#context = context;
    this.#clock = context.clock;
    this.#markers = markers;
  }

  /**
   * Starts a platform and takes it through the main job once, with a model that needs no training. `honorNodes`: 1 for a
   * chain of one producer.
   */
  static async start(clock: Clock, honorNodes = 1): Promise<FaultBench> {
    const directory = mkdtempSync(join(tmpdir(), "aios-e2e-"));
    const points = findCrashPoints(ROOT, honorNodes === 1 ? "producer" : "honor");
    const markers = new CrashMarkers(join(directory, "crash-points"), points);
    const armed = markers.environment();
    const environment = { ...armed, gateway: { ...armed["gateway"], ...SHORT_CLAIMS } };
    const local = await LocalPlatform.start(environment, directory, honorNodes);
    try {
      await publishRandomModel({ local, clock }, DIGIT_LAYERS);
      const mainJob = new MainJob(
        { developer: local.client("developer"), business: local.client("business") },
        new SilentReport(),
        clock,
      );
      const result = await mainJob.run({ providers: 2, digitIndex: 0 });
      const { unseen } = splitDigits(await loadDigits(), TRAINING);
      return FaultBench.on(local, result.model.modelId as number, unseen, clock, markers);
    } catch (error) {
      const logs = local.logs();
      await local.stop();
      throw new Error(`${(error as Error).message}\n${logs}`, { cause: error });
    }
  }

  /** A bench on a platform that already has a published model, and whose processes look at the markers, if any. */
  static on(
    local: LocalPlatform,
    modelId: number,
    unseen: LabelledDigits,
    clock: Clock,
    markers = new CrashMarkers(join(local.dataDir, "crash-points"), []),
  ): FaultBench {
    return new FaultBench(local, { local, clock, modelId, digit: digitAt(unseen, 1) }, markers);
  }

  /** What flows of other kinds need on the same platform. */
  get context(): FlowContext {
    return this.#context;
  }

  stop(): Promise<void> {
    return this.local.stop();
  }

  /** Arms the points in a flow, each in its own one unless another is named, and looks at what came of it. */
  async run(points: readonly CrashPoint[], flow?: Flow): Promise<FaultResult> {
    const startedAt = this.#clock.now();
    this.#markers.reset();
    const violations: string[] = [];
    for (const each of new Set(flow === undefined ? points.map((point) => point.flow) : [flow])) {
      const own = flow === undefined ? points.filter((point) => point.flow === each) : points;
      const isAmid = ({ process }: CrashPoint): boolean => NEVER_AT_REST.includes(process);
      const found = await runFlow(each, {
        ...this.#context,
        onBegin: () => this.#markers.arm(own.filter((point) => !isAmid(point))),
        onAmid: () => this.#markers.arm(own.filter(isAmid)),
      });
      violations.push(...found);
    }
    const fired = this.#markers.fired();
    this.#markers.reset();
    for (const process of fired.flatMap(processesOf))
      await this.local.platform.supervisor.awaitReady(process, READY_WITHIN_MS);
    return { fired: fired.map(({ id }) => id), violations, tookMs: this.#clock.now() - startedAt };
  }

  /** Ids of the points that lie on a flow: it passes them where nothing dies. */
  async pointsOn(
    flow: Flow,
  ): Promise<{ readonly ids: readonly string[]; readonly violations: readonly string[] }> {
    const violations = await runFlow(flow, { ...this.#context, onBegin: () => this.#markers.reset() });
    return { ids: this.#markers.passed().map(({ id }) => id), violations };
  }

  /** Ends one process with SIGKILL amid a flow; nothing fired where the flow was over before. */
  async killAmid(process: string, flow: Flow): Promise<FaultResult> {
    const startedAt = this.#clock.now();
    const fired: string[] = [];
    const violations = await runFlow(flow, {
      ...this.#context,
      onAmid: () => {
        fired.push(process);
        this.local.platform.supervisor.signal(process, "SIGKILL");
      },
    });
    await this.local.platform.supervisor.awaitReady(process, READY_WITHIN_MS);
    return { fired, violations, tookMs: this.#clock.now() - startedAt };
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
    let lost = "";
    let paid: string | null = null;
    this.#markers.reset();
    local.onCrash = (name) => {
      if (!PROVIDERS.includes(name) || this.#markers.fired().length === 0) return;
      lost = name;
      local.platform.supervisor.abandon(name);
    };
    try {
      const violations = await runFlow("proof", {
        ...this.#context,
        onBegin: () => this.#markers.arm([this.#markers.named(GRANTED)]),
        onChange: (job) => {
          paid = job.provider;
        },
      });
      return { fired: [lost], violations, tookMs: this.#clock.now() - startedAt, lost, paid };
    } finally {
      local.onCrash = () => undefined;
      this.#markers.reset();
      if (lost !== "") await local.platform.supervisor.revive(lost, READY_WITHIN_MS);
    }
  }
}
