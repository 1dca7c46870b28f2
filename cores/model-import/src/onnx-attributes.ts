import type { CodedError } from "@aios/kernel/coded-error";
import { unsupportedNode } from "./import-error.js";
import type { OnnxAttribute, OnnxNode, OnnxTensor } from "./onnx-messages.js";

/** Reads one node and remembers what was read, so that an attribute nobody understood is not passed over. */
export class OnnxNodeReader {
  readonly #read = new Set<string>();

  constructor(private readonly node: OnnxNode) {}

  get name(): string {
    return this.node.name;
  }

  get operator(): string {
    return this.node.operator;
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  refuse(problem: string): CodedError {
    return unsupportedNode(this.node.name, this.node.operator, problem);
  }

  hasInput(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  input(index: number): string {
    const name = this.node.inputs[index] ?? "";
    if (name === "") throw this.refuse(`input ${index} is missing`);
    return name;
  }

  #attribute<K extends keyof OnnxAttribute>(name: string, kind: K): OnnxAttribute[K] | undefined {
    this.#read.add(name);
    const attribute = this.node.attributes.get(name);
    if (attribute === undefined) return undefined;
    const value = attribute[kind];
    if (value === undefined) throw this.refuse(`attribute ${name} has another type`);
    return value;
  }

  float(name: string, missing: number): number {
    return this.#attribute(name, "float") ?? missing;
  }

  int(name: string, missing: number): number {
    return this.#attribute(name, "int") ?? missing;
  }

  text(name: string, missing: string): string {
    return this.#attribute(name, "text") ?? missing;
  }

  ints(name: string, missing: readonly number[]): readonly number[] {
    return this.#attribute(name, "ints") ?? missing;
  }

  tensor(name: string): OnnxTensor {
    const tensor = this.#attribute(name, "tensor");
    if (tensor === undefined) throw this.refuse(`it has no tensor ${name}`);
    return tensor;
  }

  /** Attributes without influence on the result. */
  skip(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  skipAll(): void {
    this.skip(...this.node.attributes.keys());
  }

  /** Throws `unsupported-model` for an attribute that was not read. */
  assertAllRead(): void {
    for (const name of this.node.attributes.keys())
      if (!this.#read.has(name)) throw this.refuse(`its attribute ${name} is not supported`);
  }
}
