import { evaluateFloatGraph } from "@aios/core-zkml/float-evaluator";
import { SeededRng } from "@aios/kernel/random";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { TfjsModelWriter } from "../test/tfjs-model.js";
import { importTfjsLayers } from "./tfjs-import.js";

const code = (name: string) => expect.objectContaining({ code: name });

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** Our input order (CHW) to TensorFlow's (HWC). */
function channelLast(input: Uint8Array, channels: number, height: number, width: number): tf.Tensor4D {
  const values = Float32Array.from({ length: input.length }, (_, at) => {
    const [cell, channel] = [Math.floor(at / channels), at % channels];
    return (input[channel * height * width + cell] as number) / 255;
  });
  return tf.tensor4d(values, [1, height, width, channels]);
}

function small(): TfjsModelWriter {
  const write = new TfjsModelWriter(new SeededRng(1));
  write.layer("Dense", "d", { units: 2, activation: "linear", use_bias: true, batch_input_shape: [null, 3] });
  write.weight("d/kernel", [3, 2]);
  write.weight("d/bias", [2]);
  return write;
}

describe("TensorFlow.js layers", () => {
  it("gives what TensorFlow.js computes for a functional network of every supported layer", () => {
    const write = new TfjsModelWriter(new SeededRng(4));
    write.layer("InputLayer", "image", { batch_input_shape: [null, 7, 6, 2] }, []);
    write.layer(
      "Conv2D",
      "conv",
      { filters: 4, kernel_size: [3, 2], strides: [2, 1], padding: "same", activation: "relu" },
      ["image"],
    );
    const kernel = write.weight("conv/kernel", [3, 2, 2, 4]);
    const bias = write.weight("conv/bias", [4]);
    write.layer("BatchNormalization", "norm", { axis: -1, epsilon: 0.01, scale: true, center: true }, [
      "conv",
    ]);
    const [gamma, beta, mean] = ["gamma", "beta", "moving_mean"].map((name) =>
      write.weight(`norm/${name}`, [4]),
    ) as [Float32Array, Float32Array, Float32Array];
    const variance = write.weight("norm/moving_variance", [4], 1);
    write.layer(
      "DepthwiseConv2D",
      "deep",
      {
        kernel_size: 3,
        strides: 1,
        padding: "valid",
        depth_multiplier: 2,
        use_bias: false,
        activation: "tanh",
      },
      ["norm"],
    );
    const deep = write.weight("deep/depthwise_kernel", [3, 3, 4, 2]);
    write.layer("LeakyReLU", "leaky", { alpha: 0.2 }, ["norm"]);
    write.layer("MaxPooling2D", "max", { pool_size: [2, 3], strides: [1, 1], padding: "valid" }, ["leaky"]);
    write.layer("Dropout", "drop", { rate: 0.5 }, ["max"]);
    write.layer("AveragePooling2D", "avg", { pool_size: [2, 2], strides: [1, 1], padding: "valid" }, [
      "drop",
    ]);
    write.layer("Flatten", "flat a", {}, ["deep"]);
    write.layer("Flatten", "flat b", {}, ["avg"]);
    write.layer("BatchNormalization", "flat norm", { axis: 1, epsilon: 0.001, scale: false, center: true }, [
      "flat b",
    ]);
    const flatBeta = write.weight("flat norm/beta", [24]);
    const flatMean = write.weight("flat norm/moving_mean", [24]);
    const flatVariance = write.weight("flat norm/moving_variance", [24], 1);
    write.layer("Dense", "left", { units: 5, activation: "sigmoid" }, ["flat a"]);
    const left = [write.weight("left/kernel", [64, 5]), write.weight("left/bias", [5])] as const;
    write.layer("Dense", "right", { units: 5, use_bias: false, activation: "linear" }, ["flat norm"]);
    const right = write.weight("right/kernel", [24, 5]);
    write.layer("Add", "sum", {}, ["left", "right"]);
    write.layer("GlobalAveragePooling2D", "global", {}, ["leaky"]);
    write.layer("Concatenate", "both", { axis: -1 }, ["sum", "global"]);
    write.layer("ReLU", "rectified", { max_value: null, negative_slope: 0, threshold: 0 }, ["both"]);
    write.layer("Dense", "logits", { units: 3, activation: "softmax" }, ["rectified"]);
    const last = [write.weight("logits/kernel", [9, 3]), write.weight("logits/bias", [3])] as const;

    const { graph, notes } = importTfjsLayers(write.functional("logits"), write.weights());
    expect(notes).toEqual([
      expect.stringMatching(/channel by channel/),
      expect.stringMatching(/^Softmax "logits" is left out/),
    ]);
    const rng = new SeededRng(6);
    for (let run = 0; run < 4; run++) {
      const input = rng.bytes(84);
      const expected = tf.tidy(() => {
        const image = channelLast(input, 2, 7, 6);
        const conv = tf.relu(
          tf.add(tf.conv2d(image, tf.tensor4d(kernel, [3, 2, 2, 4]), [2, 1], "same"), tf.tensor1d(bias)),
        );
        const norm = tf.batchNorm(
          conv,
          tf.tensor1d(mean),
          tf.tensor1d(variance),
          tf.tensor1d(beta),
          tf.tensor1d(gamma),
          0.01,
        ) as tf.Tensor4D;
        const depth = tf.tanh(tf.depthwiseConv2d(norm, tf.tensor4d(deep, [3, 3, 4, 2]), 1, "valid"));
        const leaky = tf.leakyRelu(norm, 0.2);
        const pooled = tf.avgPool(tf.maxPool(leaky, [2, 3], 1, "valid"), 2, 1, "valid");
        const flat = tf.batchNorm(
          tf.reshape(pooled, [1, 24]) as unknown as tf.Tensor4D,
          tf.tensor1d(flatMean),
          tf.tensor1d(flatVariance),
          tf.tensor1d(flatBeta),
          undefined,
          0.001,
        );
        const a = tf.sigmoid(
          tf.add(tf.matMul(tf.reshape(depth, [1, 64]), tf.tensor2d(left[0], [64, 5])), tf.tensor1d(left[1])),
        );
        const b = tf.matMul(tf.reshape(flat, [1, 24]), tf.tensor2d(right, [24, 5]));
        const both = tf.relu(tf.concat([tf.add(a, b), tf.mean(leaky, [1, 2])], 1));
        return tf
          .add(tf.matMul(both as tf.Tensor2D, tf.tensor2d(last[0], [9, 3])), tf.tensor1d(last[1]))
          .dataSync();
      });
      for (const [at, logit] of evaluateFloatGraph(graph, input).entries())
        expect(logit).toBeCloseTo(expected[at] as number, 4);
    }
  });

  it("takes a sequential model whose first layer carries the input's shape", () => {
    const write = small();
    const { graph } = importTfjsLayers(write.sequential(), write.weights());
    expect(graph.inputShape).toEqual([3, 1, 1]);
    expect(graph.nodes).toHaveLength(1);
  });

  it.each<[string, string, Readonly<Record<string, unknown>>, RegExp]>([
    ["an unknown layer", "LSTM", {}, /"extra" \(LSTM\).*not supported/],
    ["a nested model", "Sequential", {}, /not supported/],
    ["an unknown activation", "Activation", { activation: "swish" }, /swish/],
    ["a softmax before the end", "Softmax", {}, /only left out at the end/],
    ["a clipped ReLU", "ReLU", { max_value: 6 }, /largest value/],
    ["a missing weight", "Dense", { units: 2 }, /no weight kernel/],
    ["channels first", "Conv2D", { data_format: "channels_first" }, /channels_last/],
    ["causal padding", "MaxPooling2D", { padding: "causal" }, /causal/],
    ["a convolution of a vector", "Conv2D", { filters: 1, kernel_size: 2 }, /weight|larger/],
  ])("refuses %s, naming the layer", (_, kind, config, text) => {
    const write = small();
    write.layer(kind, "extra", config);
    write.layer("Activation", "end", { activation: "relu" });
    const run = () => importTfjsLayers(write.sequential(), write.weights());
    expect(run).toThrow(code("unsupported-model"));
    expect(run).toThrow(text);
  });

  it("refuses NaN, open shapes, quantised weights and reused layers by name", () => {
    const write = small();
    const weights = write.weights();
    new DataView(weights.buffer).setFloat32(8, Number.NaN, true);
    expect(() => importTfjsLayers(write.sequential(), weights)).toThrow(code("weight-not-finite"));
    const open = write.sequential().replace("[null,3]", "[null,null]");
    expect(() => importTfjsLayers(open, write.weights())).toThrow(code("dynamic-shape"));
    const quantised = write
      .sequential()
      .replace('"dtype":"float32"', '"dtype":"float32","quantization":{"dtype":"uint8"}');
    expect(() => importTfjsLayers(quantised, write.weights())).toThrow(/"d\/kernel".*quantisation/);
    const twice = write
      .functional("d")
      .replace(
        '"config":{"name":"d"',
        '"inbound_nodes":[[["image",0,0,{}]],[["d",0,0,{}]]],"config":{"name":"d"',
      );
    expect(() => importTfjsLayers(twice, write.weights())).toThrow(/used more than once/);
  });

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no topology", "{}"],
    ["brackets as deep as the text is long", "[".repeat(1_000_000)],
    ["a text above the limit", " ".repeat(5 * 1024 * 1024)],
    ["another kind of model", '{"modelTopology":{"class_name":"GraphModel","config":{}}}'],
    [
      "no layers",
      '{"modelTopology":{"class_name":"Sequential","config":{"layers":[]}},"weightsManifest":[]}',
    ],
    [
      "a prototype for a field",
      '{"modelTopology":{"class_name":"Sequential","config":{"layers":[{"class_name":"Dense","config":{"__proto__":{"name":"x"}}}]}}}',
    ],
  ])("refuses %s as malformed", (_, json) => {
    expect(() => importTfjsLayers(json, new Uint8Array(0))).toThrow(code("malformed-model"));
  });

  it("refuses a tensor joined to itself again and again before anything of its size is reserved", () => {
    const write = new TfjsModelWriter(new SeededRng(1));
    write.layer("InputLayer", "image", { batch_input_shape: [null, 8] }, []);
    for (let at = 0; at < 40; at++) {
      const from = at === 0 ? "image" : `join ${at}`;
      write.layer("Concatenate", `join ${at + 1}`, { axis: -1 }, [from, from]);
    }
    write.layer("BatchNormalization", "norm", { scale: false, center: false }, ["join 40"]);
    const run = () => importTfjsLayers(write.functional("norm"), write.weights());
    expect(run).toThrow(code("unsupported-model"));
    expect(run).toThrow(/"join 1[0-9]" \(Concatenate\).*intermediate values/);
  });

  it("refuses a layer of no units, of parts of one, and an input beyond the bound", () => {
    const of = (from: string, to: string) => {
      const write = small();
      return () => importTfjsLayers(write.sequential().replace(from, to), write.weights());
    };
    for (const units of ["0", "2.5", "-1", "1e300"])
      expect(of('"units":2', `"units":${units}`)).toThrow(/"d" \(Dense\).*outputs/);
    expect(of("[null,3]", "[null,1e9]")).toThrow(/takes an input of 1000000000/);
    expect(of("[null,3]", "[null,0]")).toThrow(code("unsupported-model"));
  });

  it("believes no size that the weight bytes do not bear out", () => {
    const write = small();
    const huge = write.sequential().replace("[3,2]", "[3000000000,2]");
    expect(() => importTfjsLayers(huge, write.weights())).toThrow(code("malformed-model"));
    expect(() => importTfjsLayers(write.sequential(), new Uint8Array(3))).toThrow(code("malformed-model"));
  });

  it("refuses altered topologies by name or imports them, and never fails otherwise", () => {
    const write = small();
    const json = write.sequential();
    const known = /^(malformed-model|unsupported-model|dynamic-shape|weight-not-finite|invalid-float-graph)$/;
    fc.assert(
      fc.property(
        fc.nat(json.length - 1),
        fc.constantFrom("0", "null", "[", '"', "-", "9", "{}"),
        (at, text) => {
          try {
            importTfjsLayers(json.slice(0, at) + text + json.slice(at + 1), write.weights());
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(known);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
