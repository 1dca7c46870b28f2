import type { Program } from "./program.js";

export interface Labelled {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object of Kubernetes as far as everything here looks into it. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: Labelled;
}

export interface KubectlTarget {
  readonly namespace: string;
  /** Of the operator's configuration; its current one where absent. */
  readonly context: string | undefined;
}

/** Kubernetes as an operator reaches it: by kubectl, in one namespace. */
export class Kubectl {
  readonly #program: Program;
  readonly #target: KubectlTarget;

  /** `program`: kubectl. */
  constructor(program: Program, target: KubectlTarget) {
    this.#program = program;
    this.#target = target;
  }

  text(...args: readonly string[]): Promise<string> {
    return this.#program.run(this.#args(args));
  }

  /** Objects of some kinds, by a selector. */
  async list<T extends KubernetesObject>(kinds: string, selector?: string): Promise<readonly T[]> {
    const chosen = selector === undefined ? [] : ["--selector", selector];
    const { items } = JSON.parse(await this.text("get", kinds, ...chosen, "--output=json")) as {
      readonly items: readonly T[];
    };
    return items;
  }

  /** Objects by standard input: what is in them appears in no list of processes. */
  async send(verb: "create" | "replace", objects: readonly object[]): Promise<void> {
    if (objects.length === 0) return;
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.#program.run(this.#args([verb, "--filename", "-"]), [Buffer.from(JSON.stringify(list))]);
  }

  async patch(object: string, patch: object): Promise<void> {
    await this.text("patch", object, "--type=merge", "--patch", JSON.stringify(patch));
  }

  /** Runs a program in a pod; answers what it wrote. */
  exec(pod: string, words: readonly string[], input?: AsyncIterable<Buffer>): Promise<string> {
    const stdin = input === undefined ? [] : ["--stdin"];
    return this.#program.run(this.#args(["exec", pod, ...stdin, "--", ...words]), input);
  }

  /** The same, as it comes. */
  read(pod: string, words: readonly string[]): AsyncGenerator<Buffer> {
    return this.#program.output(this.#args(["exec", pod, "--", ...words]));
  }

  /** Runs `work` with a port of this machine that leads to a service's. */
  async forwarded<T>(service: string, port: number, work: (port: number) => Promise<T>): Promise<T> {
    const args = this.#args(["port-forward", `service/${service}`, `:${port}`]);
    const { line, stop } = await this.#program.untilLine(args);
    try {
      return await work(Number(/:(\d+) -> /.exec(line)?.[1]));
    } finally {
      await stop();
    }
  }

  #args(args: readonly string[]): readonly string[] {
    const { namespace, context } = this.#target;
    return ["--namespace", namespace, ...(context === undefined ? [] : ["--context", context]), ...args];
  }
}
