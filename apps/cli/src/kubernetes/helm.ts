import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { jsonAnswer, type Program } from "./program.js";
import { type ReleaseShape, releaseShape } from "./release.js";

export interface HelmTarget {
  readonly namespace: string;
  /** Of the operator's configuration; its current one where absent. */
  readonly context: string | undefined;
}

export interface InstalledRelease {
  readonly shape: ReleaseShape;
  /** What the operator had set. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** A chart, and the files of values that it is rendered with, the last first to count. */
export interface ChartChoice {
  readonly chart: string;
  readonly values: readonly string[];
}

interface ReleaseJson {
  readonly info: { readonly status: string };
  readonly config?: Readonly<Record<string, unknown>>;
  readonly manifest: string;
  readonly hooks?: readonly { readonly manifest: string }[];
}

/** A release as an operator handles it: by helm. */
export class Helm {
  readonly #program: Program;
  readonly #target: HelmTarget;
  readonly #release: string;

  /** `program`: helm. */
  constructor(program: Program, target: HelmTarget, release: string) {
    this.#program = program;
    this.#target = target;
    this.#release = release;
  }

  /** Throws `release-absent`, `release-unfinished`, `not-aios`. */
  async installed(): Promise<InstalledRelease> {
    const release = await this.#status();
    const { status } = release.info;
    if (status !== "deployed") throw unfinished(this.#release, status);
    return { shape: this.#shapeOf(release), values: release.config ?? {} };
  }

  /** What an install of the chart would make, after the chart itself has asked the cluster for what it needs. */
  async rendered(choice: ChartChoice): Promise<ReleaseShape> {
    const answer = await this.#run(...this.#upgrade(choice), "--dry-run=server", "--output", "json");
    return this.#shapeOf(jsonAnswer("helm", answer) as ReleaseJson);
  }

  /** Installs or upgrades, and waits until every pod is ready. */
  async install(choice: ChartChoice): Promise<void> {
    await this.#run(...this.#upgrade(choice), "--wait", "--timeout", "10m");
  }

  async #status(): Promise<ReleaseJson> {
    try {
      return jsonAnswer("helm", await this.#run("status", this.#release, "--output", "json")) as ReleaseJson;
    } catch (error) {
      if (isCodedError(error) && /release: not found/.test(error.message))
        throw absent(this.#release, this.#target.namespace);
      throw error;
    }
  }

  #upgrade({ chart, values }: ChartChoice): readonly string[] {
    return [
      ...["upgrade", "--install", this.#release, chart],
      ...values.flatMap((file) => ["--values", file]),
    ];
  }

  #shapeOf({ manifest, hooks = [] }: ReleaseJson): ReleaseShape {
    const documents = [manifest, ...hooks.map((hook) => hook.manifest)];
    return releaseShape(this.#release, documents.join("\n---\n"));
  }

  #run(...args: readonly string[]): Promise<string> {
    const { namespace, context } = this.#target;
    const target = ["--namespace", namespace, ...(context === undefined ? [] : ["--kube-context", context])];
    return this.#program.run([...args, ...target]);
  }
}

const absent = (release: string, namespace: string): CodedError =>
  new CodedError({
    code: "release-absent",
    kind: "not-found",
    message: `There is no release ${release} in the namespace ${namespace}. Name them with --release and --namespace; helm list --all-namespaces shows what there is.`,
  });

const unfinished = (release: string, status: string): CodedError =>
  new CodedError({
    code: "release-unfinished",
    kind: "conflict",
    message: `The release ${release} is ${status}, not deployed. Finish its upgrade first: only a whole release has a whole state.`,
    details: { status },
  });
