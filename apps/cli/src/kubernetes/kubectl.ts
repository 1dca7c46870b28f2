import { z } from "zod";
import { jsonAnswer, type Program, unexpectedAnswer } from "./program.js";

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
  /** That of the context where absent. */
  readonly namespace: string | undefined;
  /** Of the operator's configuration; its current one where absent. */
  readonly context: string | undefined;
}

const OBJECTS = z.object({
  items: z.array(z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) })),
});
const FORWARDED = /^Forwarding from (?:127\.0\.0\.1|\[::1\]):(\d+) -> /;

/**
 * Kubernetes as an operator reaches it: by kubectl, in one namespace. Whatever it asks throws `kubectl-missing`,
 * `kubectl-failed` with kubectl's own words, and `kubectl-answer-unexpected`.
 */
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

  /** What is asked for, as JSON. */
  async get(resource: string, ...args: readonly string[]): Promise<unknown> {
    const words = ["get", resource, ...args, "--output=json", "--request-timeout=30s"];
    return jsonAnswer("kubectl", await this.text(...words));
  }

  /** Objects of some kinds, by a selector. */
  async list<T extends KubernetesObject>(kinds: string, selector?: string): Promise<readonly T[]> {
    const chosen = selector === undefined ? [] : ["--selector", selector];
    return answerAs(OBJECTS, kinds, await this.get(kinds, ...chosen)).items as unknown as readonly T[];
  }

  /** The namespace that is asked. */
  async namespace(): Promise<string> {
    if (this.#target.namespace !== undefined) return this.#target.namespace;
    const said = await this.text("config", "view", "--minify", "--output=jsonpath={..namespace}");
    return said.trim().split(/\s+/)[0] || "default";
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

  /** Runs `work` with a port of this machine that leads to one of a Service or a pod, as `service/<name>`. */
  async forwarded<T>(to: string, port: number, work: (port: number) => Promise<T>): Promise<T> {
    const { line, stop } = await this.#program.untilLine(this.#args(["port-forward", to, `:${port}`]));
    try {
      const here = FORWARDED.exec(line)?.[1];
      if (here === undefined) throw unexpectedAnswer("kubectl", `no forwarded port but '${line}'`);
      return await work(Number(here));
    } finally {
      await stop();
    }
  }

  #args(args: readonly string[]): readonly string[] {
    const { namespace, context } = this.#target;
    return [
      ...(namespace === undefined ? [] : ["--namespace", namespace]),
      ...(context === undefined ? [] : ["--context", context]),
      ...args,
    ];
  }
}

/** What kubectl said of a resource, in its form. Throws `kubectl-answer-unexpected`. */
export function answerAs<T>(form: z.ZodType<T>, resource: string, said: unknown): T {
  const read = form.safeParse(said);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw unexpectedAnswer("kubectl", `${resource}: ${issue?.path.join(".")}: ${issue?.message}`);
}
