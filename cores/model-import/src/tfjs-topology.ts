import { malformedModel, unsupportedNode } from "./import-error.js";
import { MAX_IMPORT_NODES, MAX_TENSORS } from "./imported-model.js";

/** One layer of a sequential or functional model, with the names of the layers it reads. */
export interface TfjsLayer {
  readonly name: string;
  readonly kind: string;
  readonly config: Fields;
  readonly inputs: readonly string[];
}

export interface TfjsTopology {
  readonly layers: readonly TfjsLayer[];
  readonly output: string;
  /** Shape and position of each weight in the weight bytes, by name. */
  readonly weights: ReadonlyMap<string, TfjsWeight>;
  readonly weightBytes: number;
}

export interface TfjsWeight {
  readonly shape: readonly number[];
  readonly offset: number;
  readonly count: number;
}

/** A JSON object from a stranger. */
export class Fields {
  constructor(
    private readonly where: string,
    private readonly value: unknown,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw malformedModel(`${where} is not an object`);
  }

  get(name: string): unknown {
    return Object.hasOwn(this.value as object, name)
      ? (this.value as Record<string, unknown>)[name]
      : undefined;
  }

  has(name: string): boolean {
    const value = this.get(name);
    return value !== undefined && value !== null;
  }

  fields(name: string): Fields {
    return new Fields(`${this.where}.${name}`, this.get(name));
  }

  text(name: string, missing?: string): string {
    const value = this.get(name) ?? missing;
    if (typeof value !== "string") throw malformedModel(`${this.where}.${name} is not a text`);
    return value;
  }

  number(name: string, missing: number): number {
    const value = this.get(name) ?? missing;
    if (typeof value !== "number") throw malformedModel(`${this.where}.${name} is not a number`);
    return value;
  }

  flag(name: string, missing: boolean): boolean {
    const value = this.get(name) ?? missing;
    if (typeof value !== "boolean") throw malformedModel(`${this.where}.${name} is not true or false`);
    return value;
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw malformedModel(`${this.where}.${name} is not a list`);
    return value;
  }

  /** One number for both directions, or two. */
  pair(name: string, missing: readonly [number, number]): [number, number] {
    const value = this.get(name) ?? missing;
    const both = typeof value === "number" ? [value, value] : value;
    if (!Array.isArray(both) || both.length !== 2 || !both.every((side) => typeof side === "number"))
      throw malformedModel(`${this.where}.${name} is not a pair of numbers`);
    return [both[0] as number, both[1] as number];
  }
}

const MAX_TOPOLOGY_CHARACTERS = 4 * 1024 * 1024;

function readWeights(model: Fields): Pick<TfjsTopology, "weights" | "weightBytes"> {
  const weights = new Map<string, TfjsWeight>();
  let offset = 0;
  for (const group of model.list("weightsManifest")) {
    for (const entry of new Fields("weightsManifest", group).list("weights")) {
      const weight = new Fields("weight", entry);
      const name = weight.text("name");
      if (weight.text("dtype") !== "float32" || weight.has("quantization"))
        throw unsupportedNode(name, "weight", "it is not stored as float32; export without quantisation");
      const shape = weight.list("shape");
      if (!shape.every((side) => Number.isSafeInteger(side) && (side as number) >= 0))
        throw malformedModel(`the shape of weight ${name.slice(0, 80)} is not a list of sizes`);
      const count = (shape as number[]).reduce((product, side) => product * side, 1);
      if (weights.size >= MAX_TENSORS) throw malformedModel(`it has more than ${MAX_TENSORS} weights`);
      if (weights.has(name)) throw malformedModel(`two weights are called ${name.slice(0, 80)}`);
      weights.set(name, { shape: shape as number[], offset, count });
      offset += count * 4;
    }
  }
  return { weights, weightBytes: offset };
}

/** Name of the only layer a reference names: ["dense", 0, 0, {}]. */
function referenced(reference: unknown): string {
  const [name, call, tensor]: readonly unknown[] = Array.isArray(reference) ? reference : [];
  if (typeof name !== "string" || call !== 0 || tensor !== 0)
    throw malformedModel("a layer is referred to in a way that is not understood");
  return name;
}

function readLayer(value: unknown, before: string | undefined): TfjsLayer {
  const layer = new Fields("layer", value);
  const config = layer.fields("config");
  const name = config.text("name");
  if (before !== undefined)
    return { name, kind: layer.text("class_name"), config, inputs: before === "" ? [] : [before] };
  const calls = layer.list("inbound_nodes");
  if (calls.length > 1) throw unsupportedNode(name, layer.text("class_name"), "it is used more than once");
  const inputs = calls.length === 0 ? [] : calls[0];
  if (!Array.isArray(inputs)) throw malformedModel(`the inputs of layer ${name.slice(0, 80)} are not a list`);
  return { name, kind: layer.text("class_name"), config, inputs: inputs.map(referenced) };
}

/**
 * Reads `model.json` of a TensorFlow.js layers model, sequential or functional. Its size is bounded before it is
 * parsed. Throws `malformed-model`, `unsupported-model`.
 */
export function readTfjsTopology(json: string): TfjsTopology {
  if (json.length > MAX_TOPOLOGY_CHARACTERS)
    throw malformedModel(`model.json has more than ${MAX_TOPOLOGY_CHARACTERS} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw malformedModel("model.json is not JSON");
  }
  const model = new Fields("model.json", parsed);
  const topology = model.fields("modelTopology");
  const description = topology.has("model_config") ? topology.fields("model_config") : topology;
  const kind = description.text("class_name");
  const config = description.get("config");
  const isSequential = kind === "Sequential";
  if (!isSequential && kind !== "Functional" && kind !== "Model")
    throw malformedModel(`a model of class ${kind.slice(0, 80)} is not a layers model`);
  // Old sequential models have their layers as the configuration itself.
  const list = Array.isArray(config) ? config : description.fields("config").list("layers");
  if (list.length < 1 || list.length > MAX_IMPORT_NODES) throw malformedModel(`it has ${list.length} layers`);
  const layers: TfjsLayer[] = [];
  for (const value of list)
    layers.push(readLayer(value, isSequential ? (layers.at(-1)?.name ?? "") : undefined));
  const names = new Set(layers.map(({ name }) => name));
  if (names.size !== layers.length) throw malformedModel("two layers have the same name");
  let output = layers.at(-1)?.name ?? "";
  if (!isSequential) {
    const outputs = description.fields("config").list("output_layers");
    const only = outputs.length === 1 && Array.isArray(outputs[0]) ? outputs[0] : outputs;
    output = referenced(only);
  }
  return { layers, output, ...readWeights(model) };
}
