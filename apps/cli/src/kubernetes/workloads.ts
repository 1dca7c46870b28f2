import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import type { Kubectl, KubernetesObject } from "./kubectl.js";
import type { ReleaseShape } from "./release.js";

/** What would start pods of a release by itself. */
export type SelfStarting = Pick<ReleaseShape, "kedaScaled" | "schedules">;

/** How many pods a workload had when it was stopped: who starts it again may be another run. */
export const STOPPED_WITH = "aios.network/replicas-before-stop";
/** Whether a schedule was suspended when it was stopped. */
const SUSPENDED_BEFORE = "aios.network/suspended-before-stop";
const KEDA_PAUSED = "autoscaling.keda.sh/paused-replicas";
const POLL_MS = 1_000;
const GONE_WITHIN_MS = 300_000;

export interface Workload extends KubernetesObject {
  readonly kind: "Deployment" | "StatefulSet";
  readonly spec: { readonly replicas?: number };
}

interface Schedule extends KubernetesObject {
  readonly spec: { readonly suspend?: boolean };
}

interface Job extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & {
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** The Deployments and StatefulSets of a release, which stop and start together. */
export class Workloads {
  readonly #kubectl: Kubectl;
  readonly #release: string;
  readonly #clock: Pick<Clock, "now" | "wait">;

  constructor(kubectl: Kubectl, release: string, clock: Pick<Clock, "now" | "wait">) {
    this.#kubectl = kubectl;
    this.#release = release;
    this.#clock = clock;
  }

  list(): Promise<readonly Workload[]> {
    return this.#kubectl.list("deployments,statefulsets", this.#selector);
  }

  /**
   * Stops these and whatever a schedule would start, and waits until no pod of theirs is left. Safe to run again. Throws
   * `pods-stay`.
   */
  async stop(workloads: readonly Workload[], { kedaScaled, schedules }: SelfStarting): Promise<void> {
    await this.#suspend(schedules);
    for (const workload of workloads) {
      const name = workload.metadata.name;
      if (kedaScaled.includes(name)) await this.#pauseKeda(name, "0");
      // One change, so that a run that is cut off in between leaves no workload without its number.
      await this.#kubectl.patch(resource(workload), {
        metadata: { annotations: { [STOPPED_WITH]: String(replicasBefore(workload)) } },
        spec: { replicas: 0 },
      });
    }
    const owners = new Set(workloads.map(({ metadata }) => metadata.name));
    await this.#gone(async () => [...(await this.#podsOf(owners)), ...(await this.#jobsOf(schedules))]);
  }

  /** Starts whatever was stopped, as many pods as it had; answers what that was. Waits for nothing. */
  async start({ kedaScaled, schedules }: SelfStarting): Promise<readonly Workload[]> {
    const stopped = (await this.list()).filter(
      ({ metadata }) => metadata.annotations?.[STOPPED_WITH] !== undefined,
    );
    for (const workload of stopped) {
      await this.#kubectl.patch(resource(workload), {
        metadata: { annotations: { [STOPPED_WITH]: null } },
        spec: { replicas: replicasBefore(workload) },
      });
      if (kedaScaled.includes(workload.metadata.name)) await this.#pauseKeda(workload.metadata.name, null);
    }
    await this.#resume(schedules);
    return stopped;
  }

  /** Waits until every pod is ready. */
  async ready(workloads: readonly Workload[]): Promise<void> {
    for (const workload of workloads)
      await this.#kubectl.text("rollout", "status", resource(workload), "--timeout=5m");
  }

  async #pauseKeda(name: string, replicas: string | null): Promise<void> {
    await this.#kubectl.patch(`scaledobject.keda.sh/${name}`, {
      metadata: { annotations: { [KEDA_PAUSED]: replicas } },
    });
  }

  /** A certificate that is made anew meanwhile would be in a backup by half, or not be that of a restore. */
  async #suspend(names: readonly string[]): Promise<void> {
    for (const { metadata, spec } of await this.#schedules(names)) {
      const before = spec.suspend === true ? (metadata.annotations?.[SUSPENDED_BEFORE] ?? "true") : "false";
      await this.#kubectl.patch(`cronjob/${metadata.name}`, {
        metadata: { annotations: { [SUSPENDED_BEFORE]: before } },
        spec: { suspend: true },
      });
    }
  }

  async #resume(names: readonly string[]): Promise<void> {
    for (const { metadata } of await this.#schedules(names)) {
      const before = metadata.annotations?.[SUSPENDED_BEFORE];
      if (before === undefined) continue;
      await this.#kubectl.patch(`cronjob/${metadata.name}`, {
        metadata: { annotations: { [SUSPENDED_BEFORE]: null } },
        spec: { suspend: before === "true" },
      });
    }
  }

  async #schedules(names: readonly string[]): Promise<readonly Schedule[]> {
    if (names.length === 0) return [];
    const there = await this.#kubectl.list<Schedule>("cronjobs");
    return there.filter(({ metadata }) => names.includes(metadata.name));
  }

  async #jobsOf(schedules: readonly string[]): Promise<readonly string[]> {
    if (schedules.length === 0) return [];
    const jobs = await this.#kubectl.list<Job>("jobs");
    const isOurs = ({ metadata: { ownerReferences = [] } }: Job): boolean =>
      ownerReferences.some(({ kind, name }) => kind === "CronJob" && schedules.includes(name));
    return jobs
      .filter((job) => isOurs(job) && !hasEnded(job))
      .map(({ metadata }) => `the Job ${metadata.name}`);
  }

  async #podsOf(owners: ReadonlySet<string>): Promise<readonly string[]> {
    const pods = await this.#kubectl.list<KubernetesObject>("pods", this.#selector);
    const left = pods.filter(({ metadata }) => owners.has(ownerOf(metadata.labels, this.#release)));
    return left.filter(isAlive).map(({ metadata }) => metadata.name);
  }

  async #gone(remaining: () => Promise<readonly string[]>): Promise<void> {
    const endsAt = this.#clock.now() + GONE_WITHIN_MS;
    for (;;) {
      const left = await remaining();
      if (left.length === 0) return;
      if (this.#clock.now() >= endsAt) throw podsStay(left);
      await this.#clock.wait(durationMs(POLL_MS));
    }
  }

  get #selector(): string {
    return `app.kubernetes.io/instance=${this.#release}`;
  }
}

/** Pods are named after their service; the workload after the release too. */
function ownerOf(labels: Readonly<Record<string, string>> | undefined, release: string): string {
  return `${release}-${labels?.["app.kubernetes.io/name"] ?? ""}`;
}

/** What has ended writes nothing any more, though its pod is still listed. */
function isAlive(pod: KubernetesObject): boolean {
  const { status } = pod as KubernetesObject & { readonly status?: { readonly phase?: string } };
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

function hasEnded({ status: { conditions = [] } = {} }: Job): boolean {
  return conditions.some(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

const resource = ({ kind, metadata }: Workload): string => `${kind.toLowerCase()}/${metadata.name}`;

/** What runs was started since by somebody else, such as helm, whose number counts and not the one that was noted. */
function replicasBefore({ metadata, spec: { replicas = 1 } }: Workload): number {
  return replicas === 0 ? Number(metadata.annotations?.[STOPPED_WITH] ?? 0) : replicas;
}

const podsStay = (pods: readonly string[]): CodedError =>
  new CodedError({
    code: "pods-stay",
    kind: "timeout",
    message: `${pods.join(", ")} did not end within ${GONE_WITHIN_MS / 60_000} minutes. Look at them with kubectl describe pod; a node that is away holds its pods.`,
    details: { pods },
  });
