import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Kubectl, KubernetesObject } from "./kubectl.js";
import type { Placement, PodImage, SecretKey } from "./release.js";

const NODE = "/usr/local/bin/node";
const PROGRAM = "/app/apps/cluster/dist/src/state/main.js";
const MOUNTED = "/state";
/** A pod that its run could not delete any more ends by itself. */
const LONGEST_S = 24 * 3_600;
const READY_WITHIN = "3m";
const LABEL = "aios.network/state-of";
/** The user of AiOS' images, as the charts have it. */
const OWN_USER: Placement = {
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65_532,
    runAsGroup: 65_532,
    fsGroup: 65_532,
    seccompProfile: { type: "RuntimeDefault" },
  },
};

interface PodStatus extends KubernetesObject {
  readonly status: {
    readonly conditions?: readonly { readonly message?: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly state?: Readonly<Record<string, { readonly reason?: string; readonly message?: string }>>;
    }[];
  };
}

/** Pods of the platform's own image that stand beside its state, one for each claim and one for all servers outside. */
export class StatePods {
  readonly #kubectl: Kubectl;
  readonly #release: string;
  readonly #image: PodImage;

  constructor(kubectl: Kubectl, release: string, image: PodImage) {
    this.#kubectl = kubectl;
    this.#release = release;
    this.#image = image;
  }

  /** Starts one beside each claim, as whoever writes there, and one that has the servers' URLs. Throws `state-pod-failed`. */
  async start(
    claims: readonly { readonly claim: string; readonly placement: Placement }[],
    servers: readonly SecretKey[],
  ): Promise<void> {
    await this.remove();
    const pods = claims.map(({ claim, placement }) =>
      this.#pod(this.ofClaim(claim), placement, { persistentVolumeClaim: { claimName: claim } }),
    );
    const sources = servers.map(({ service, secret, key }) => ({
      secret: { name: secret, items: [{ key, path: service }] },
    }));
    if (sources.length > 0)
      pods.push(this.#pod(this.ofServers, OWN_USER, { projected: { sources, defaultMode: 0o440 } }));
    await this.#kubectl.send("create", pods);
    if (pods.length === 0) return;
    try {
      await this.#kubectl.text(
        ...["wait", "pods", "--selector", this.#selector, "--for=condition=Ready"],
        `--timeout=${READY_WITHIN}`,
      );
    } catch (error) {
      throw (await this.#reason()) ?? error;
    }
  }

  ofClaim(claim: string): string {
    return `${this.#release}-state-${claim}`;
  }

  get ofServers(): string {
    return `${this.#release}-state-of-servers`;
  }

  read(pod: string, command: string): AsyncGenerator<Buffer> {
    return this.#kubectl.read(pod, [NODE, PROGRAM, command, MOUNTED]);
  }

  run(pod: string, command: string, input?: AsyncIterable<Buffer>, replace = false): Promise<string> {
    const words = [NODE, PROGRAM, command, MOUNTED, ...(replace ? ["--replace"] : [])];
    return this.#kubectl.exec(pod, words, input);
  }

  async remove(): Promise<void> {
    await this.#kubectl.text(
      ...["delete", "pods", "--selector", this.#selector, "--ignore-not-found", "--wait=true"],
    );
  }

  get #selector(): string {
    return `${LABEL}=${this.#release}`;
  }

  #pod(name: string, { securityContext, ...placement }: Placement, source: object): object {
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        labels: {
          [LABEL]: this.#release,
          "app.kubernetes.io/name": "state",
          "app.kubernetes.io/instance": this.#release,
        },
      },
      spec: {
        ...placement,
        restartPolicy: "Never",
        activeDeadlineSeconds: LONGEST_S,
        terminationGracePeriodSeconds: 5,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext,
        imagePullSecrets: this.#image.imagePullSecrets,
        containers: [
          {
            name: "state",
            image: this.#image.image,
            imagePullPolicy: this.#image.imagePullPolicy,
            command: [NODE, PROGRAM, "hold"],
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
            terminationMessagePolicy: "FallbackToLogsOnError",
            resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
            volumeMounts: [{ name: "state", mountPath: MOUNTED }],
          },
        ],
        volumes: [{ name: "state", ...source }],
      },
    };
  }

  /** Why a pod does not run, in Kubernetes' own words. */
  async #reason(): Promise<CodedError | undefined> {
    try {
      const pods = await this.#kubectl.list<PodStatus>("pods", this.#selector);
      const reasons = pods.flatMap(({ metadata, status }) => {
        const state = Object.values(status.containerStatuses?.[0]?.state ?? {})[0];
        const condition = status.conditions?.find(
          (each) => each.status !== "True" && each.message !== undefined,
        );
        const reason = state?.message ?? state?.reason ?? condition?.message;
        return reason === undefined ? [] : [`${metadata.name}: ${reason}`];
      });
      return reasons.length === 0 ? undefined : podFailed(reasons);
    } catch (error) {
      return isCodedError(error) ? error : undefined;
    }
  }
}

const podFailed = (reasons: readonly string[]): CodedError =>
  new CodedError({
    code: "state-pod-failed",
    kind: "unavailable",
    message: `A pod beside the state did not start within ${READY_WITHIN}: ${reasons.join("; ")}`,
    details: { reasons },
  });
