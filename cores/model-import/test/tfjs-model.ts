import { SeededRng } from "@aios/kernel/random";

export interface Layer {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly inbound_nodes?: unknown;
}

/** A `model.json` with its weights, as TensorFlow.js writes them; weights are random. */
export class TfjsModelWriter {
  readonly layers: Layer[] = [];
  readonly #manifest: { name: string; shape: readonly number[]; dtype: string }[] = [];
  readonly #values: Float32Array[] = [];

  constructor(private readonly rng: SeededRng) {}

  layer(
    kind: string,
    name: string,
    config: Readonly<Record<string, unknown>>,
    inputs?: readonly string[],
  ): void {
    this.layers.push({
      class_name: kind,
      config: { name, ...config },
      ...(inputs === undefined
        ? {}
        : { inbound_nodes: inputs.length === 0 ? [] : [inputs.map((from) => [from, 0, 0, {}])] }),
    });
  }

  weight(name: string, shape: readonly number[], base = 0): Float32Array {
    const count = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length: count }, () => base + this.rng.uint32() / 2 ** 32 - 0.5);
    this.#manifest.push({ name, shape, dtype: "float32" });
    this.#values.push(values);
    return values;
  }

  weights(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#values.map((values) => Buffer.from(values.buffer))));
  }

  manifest() {
    return [{ paths: ["weights.bin"], weights: this.#manifest }];
  }

  sequential(): string {
    return JSON.stringify({
      modelTopology: { class_name: "Sequential", config: { name: "s", layers: this.layers } },
      weightsManifest: this.manifest(),
    });
  }

  functional(output: string): string {
    const config = {
      name: "f",
      layers: this.layers,
      input_layers: [["image", 0, 0]],
      output_layers: [[output, 0, 0]],
    };
    return JSON.stringify({
      modelTopology: { model_config: { class_name: "Functional", config } },
      weightsManifest: this.manifest(),
    });
  }
}
