import { connect } from "node:net";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { ManagedProcess, type ProcessExit, type ProcessSpec } from "./managed-process.js";

export interface SupervisorEvents {
  started(name: string, attempt: number): void;
  ready(name: string, tookMs: number): void;
  /** A process ended by itself and will be started again after the pause. */
  crashed(exit: ProcessExit, restartInMs: number): void;
}

const FIRST_RESTART_MS = 250;
const MAX_RESTART_MS = 5_000;
/** A process that ran this long had started well: its next crash starts from the first pause again. */
const STABLE_AFTER_MS = 10_000;
/** Together with twice the last one: everything has ended within five seconds, whatever it does. */
const CALLERS_GRACE_MS = 2_400;
const FOUNDATIONS_GRACE_MS = 1_900;
const KILLED_WITHIN_MS = 250;
const READY_POLL_MS = 100;

/** Keeps a set of processes running: restarts with back-off, says why, and stops all within five seconds. */
export class Supervisor {
  readonly #clock: Clock;
  readonly #events: SupervisorEvents;
  readonly #foundations: ReadonlySet<string>;
  readonly #maxRestartPauseMs: number;
  readonly #specs = new Map<string, ProcessSpec>();
  readonly #processes = new Map<string, ManagedProcess>();
  /** Processes that end because they were asked to: they start again at once. */
  readonly #asked = new Set<string>();
  /** Processes that are not started again when they end. */
  readonly #abandoned = new Set<string>();
  readonly #stopping = new AbortController();

  /** `foundations` are stopped last: what everyone else writes to. */
  constructor(
    clock: Clock,
    events: SupervisorEvents,
    foundations: readonly string[],
    maxRestartPauseMs = MAX_RESTART_MS,
  ) {
    this.#maxRestartPauseMs = maxRestartPauseMs;
    this.#clock = clock;
    this.#foundations = new Set(foundations);
    this.#events = events;
  }

  /** Starts the process and keeps it running until `stop`. Resolves when its readiness URL answers. */
  async start(spec: ProcessSpec, readyWithinMs: number): Promise<void> {
    const startedAt = this.#clock.now();
    this.#specs.set(spec.name, spec);
    void this.#keep(spec.name);
    await this.#awaitReady(spec, readyWithinMs);
    this.#events.ready(spec.name, this.#clock.now() - startedAt);
  }

  /** Sends a signal to a running process; it is started again when that ends it. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#processes.get(name)?.signal(signal);
  }

  /** Kills the process, or leaves it dead when it has just crashed, until `revive`. */
  abandon(name: string): void {
    this.#abandoned.add(name);
    this.signal(name, "SIGKILL");
  }

  /** Starts an abandoned process again, as it was. Resolves when its readiness URL answers. */
  async revive(name: string, readyWithinMs: number): Promise<void> {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new RangeError(`no process named ${name}`);
    if (this.#abandoned.delete(name)) await this.start(spec, readyWithinMs);
  }

  /** Ends the process and starts it with the given environment added, for this and later restarts. */
  async restartWith(
    name: string,
    env: Readonly<Record<string, string>>,
    readyWithinMs: number,
  ): Promise<void> {
    const spec = this.#specs.get(name);
    const running = this.#processes.get(name);
    if (spec === undefined || running === undefined) throw new RangeError(`no process named ${name}`);
    this.#specs.set(name, { ...spec, env: { ...spec.env, ...env } });
    if (running.isRunning) this.#asked.add(name);
    running.signal("SIGTERM");
    await running.exited;
    await this.#awaitReady(spec, readyWithinMs);
  }

  /** Resolves when the named process answers its readiness URL again. */
  async awaitReady(name: string, withinMs: number): Promise<void> {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new RangeError(`no process named ${name}`);
    await this.#awaitReady(spec, withinMs);
  }

  /** Process ids by name, for figures and tests. */
  pids(): Map<string, number> {
    return new Map(
      [...this.#processes].flatMap(([name, managed]) =>
        managed.isRunning && managed.pid !== undefined ? [[name, managed.pid] as const] : [],
      ),
    );
  }

  /** Asks everyone to drain, callers before what they call, and kills what is left when the time is over. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("stopping"));
    await this.#end((name) => !this.#foundations.has(name), CALLERS_GRACE_MS);
    await this.#end(() => true, FOUNDATIONS_GRACE_MS);
  }

  async #end(belongs: (name: string) => boolean, graceMs: number): Promise<void> {
    const running = [...this.#processes].flatMap(([name, managed]) =>
      belongs(name) && managed.isRunning ? [managed] : [],
    );
    const gone = Promise.all(running.map((managed) => managed.exited));
    for (const managed of running) managed.signal("SIGTERM");
    await this.#atMost(graceMs, gone);
    for (const managed of running) managed.kill();
    await this.#atMost(KILLED_WITHIN_MS, gone);
  }

  async #atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    await Promise.race([work, this.#clock.wait(durationMs(limitMs), over.signal).catch(() => undefined)]);
    over.abort();
  }

  async #keep(name: string): Promise<void> {
    let pauseMs = FIRST_RESTART_MS;
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      const spec = this.#specs.get(name) as ProcessSpec;
      const managed = new ManagedProcess(spec, this.#clock.now());
      this.#processes.set(spec.name, managed);
      this.#events.started(spec.name, attempt);
      const exit = await managed.exited;
      if (this.#stopping.signal.aborted) return;
      if (this.#asked.delete(name)) continue;
      if (this.#abandoned.has(name)) return;
      const ranMs = this.#clock.now() - managed.startedAtMs;
      pauseMs = ranMs >= STABLE_AFTER_MS ? FIRST_RESTART_MS : pauseMs;
      this.#events.crashed(exit, pauseMs);
      await this.#clock.wait(durationMs(pauseMs), this.#stopping.signal).catch(() => undefined);
      if (this.#abandoned.has(name)) return;
      pauseMs = Math.min(pauseMs * 2, this.#maxRestartPauseMs);
    }
  }

  async #awaitReady(spec: ProcessSpec, withinMs: number): Promise<void> {
    if (spec.readyUrl === undefined) return;
    const deadline = this.#clock.now() + withinMs;
    let lastAnswer = "no answer yet";
    while (this.#clock.now() < deadline) {
      if (this.#stopping.signal.aborted) throw this.#stopping.signal.reason;
      const answer = await readiness(spec.readyUrl);
      if (answer === "ready") return;
      lastAnswer = answer;
      await this.#clock.wait(durationMs(READY_POLL_MS), this.#stopping.signal);
    }
    throw new CodedError({
      code: "not-ready",
      kind: "unavailable",
      message: `${spec.name} was not ready within ${Math.round(withinMs / 1000)} s (${lastAnswer}). Its log: ${spec.logFile}`,
      details: { name: spec.name, logFile: spec.logFile },
    });
  }
}

async function readiness(url: string): Promise<string> {
  try {
    if (url.startsWith("tcp:")) return await tcpReadiness(new URL(url));
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    if (response.ok) return "ready";
    return (await response.text()).slice(0, 300);
  } catch {
    return "no answer yet";
  }
}

function tcpReadiness({ hostname, port }: URL): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const end = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end("ready"));
    socket.once("error", () => end("no answer yet"));
  });
}
