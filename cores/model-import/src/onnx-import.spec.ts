import { readFileSync } from "node:fs";
import { circuitSize } from "@aios/core-zkml/circuit-size";
import { evaluateFloatGraph } from "@aios/core-zkml/float-evaluator";
import { quantiseGraph } from "@aios/core-zkml/graph-quantisation";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { integers, message, model, node, tensor, value } from "../test/onnx-writer.js";
import { importOnnx } from "./onnx-import.js";
import { readOnnx } from "./onnx-messages.js";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url)));
const weights = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const product = node("MatMul", ["x", "w"], "y");
const code = (name: string) => expect.objectContaining({ code: name });

describe("ONNX", () => {
  it("gives what the reference evaluator of the format gives, for every supported operator", () => {
    const expected = JSON.parse(new TextDecoder().decode(fixture("every-operator.json"))) as {
      inputs: string[];
      logits: number[][];
    };
    const { graph, notes } = importOnnx(fixture("every-operator.onnx"));
    expect(notes).toEqual([expect.stringMatching(/^Softmax "probabilities" is left out/)]);
    for (const [index, input] of expected.inputs.entries()) {
      const logits = evaluateFloatGraph(graph, Uint8Array.from(Buffer.from(input, "hex")));
      for (const [at, logit] of logits.entries())
        expect(logit).toBeCloseTo(expected.logits[index]?.[at] as number, 4);
    }
  });

  it.each([
    ["digits-compact-cnn", 0.94, 60_000],
    ["digits-lenet5", 0.95, 262_144],
  ])(
    "imports and quantises the trained %s without losing a hundredth on digits never trained on",
    async (name, accuracy, limit) => {
      const digits = await loadDigits();
      const classes = Array.from({ length: 10 }, (_, digit) => digits.labels.indexOf(digit));
      const pick = (from: number, to: number): number[] =>
        classes.flatMap((first) => Array.from({ length: to - from }, (_, at) => first + from + at));
      const unseen = pick(0, 20);
      const bytes = new Uint8Array(
        readFileSync(new URL(`../../../vectors/models/${name}.onnx`, import.meta.url)),
      );
      const { graph, report } = quantiseGraph(
        importOnnx(bytes).graph,
        pick(200, 202).map((index) => digitAt(digits, index)),
        new Uint8Array(32),
        {
          inputs: unseen.map((index) => digitAt(digits, index)),
          labels: unseen.map((index) => digits.labels[index] as number),
        },
        { granularity: "tensor" },
      );
      expect(report.accuracy?.floatAccuracy).toBeGreaterThan(accuracy - 0.02);
      expect(Math.abs(report.accuracy?.lossPoints ?? 100)).toBeLessThanOrEqual(1);
      expect(circuitSize(graph).constraints).toBeLessThan(limit);
    },
  );

  it("takes weights of unnamed constants and of both precisions", () => {
    const doubles = message([
      [1, 4n],
      [1, 2n],
      [2, 11n],
      [10, new Uint8Array(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer)],
    ]);
    const constant = model({ nodes: [node("Constant", [], "w", { value: doubles }), product] });
    const named = model({ nodes: [product], tensors: [weights] });
    expect(importOnnx(constant).graph).toEqual(importOnnx(named).graph);
  });

  describe("refuses, naming the node,", () => {
    const image = [value("x", [1, 2, 4, 4])];
    const kernel = tensor("k", [2, 2, 3, 3], new Array(36).fill(1));
    const conv = (attributes: Parameters<typeof node>[3]) =>
      model({ nodes: [node("Conv", ["x", "k"], "y", attributes)], tensors: [kernel], inputs: image });
    it.each<[string, Uint8Array, RegExp]>([
      [
        "an unknown operator",
        model({ nodes: [node("Einsum", ["x"], "y")] }),
        /"the y" \(Einsum\).*not supported/,
      ],
      [
        "a softmax in the middle",
        model({ nodes: [node("Softmax", ["x"], "s"), node("MatMul", ["s", "w"], "y")], tensors: [weights] }),
        /"the s" \(Softmax\)/,
      ],
      ["an attribute nobody understood", conv({ surprise: 1n }), /attribute surprise/],
      ["a dilated convolution", conv({ dilations: [2n, 2n] }), /dilated/],
      ["pads of one dimension", conv({ pads: [1n, 1n] }), /pads has 2 entries/],
      ["a kernel shape that lies", conv({ kernel_shape: [2n, 2n] }), /kernel_shape/],
      ["groups that do not divide", conv({ group: 3n }), /do not fit/],
      ["a stride of nothing", conv({ strides: [0n, 1n] }), /kernel or stride/],
      ["padding as large as the kernel", conv({ pads: [3n, 3n, 3n, 3n] }), /padded by as much/],
      ["an attribute of another type", conv({ group: "two" }), /group has another type/],
      [
        "weights that are computed",
        model({ nodes: [node("Relu", ["x"], "w"), product] }),
        /input 1 is not a constant/,
      ],
      [
        "weights of another size",
        model({ nodes: [product], tensors: [tensor("w", [3, 2], [1, 2, 3, 4, 5, 6])] }),
        /do not take 4 values/,
      ],
      [
        "a pool that rounds up",
        model({
          nodes: [node("MaxPool", ["x"], "y", { kernel_shape: [2n, 2n], ceil_mode: 1n })],
          inputs: image,
        }),
        /rounds its size up/,
      ],
      [
        "an average without its padding",
        model({
          nodes: [node("AveragePool", ["x"], "y", { kernel_shape: [2n, 2n], pads: [1n, 1n, 0n, 0n] })],
          inputs: image,
        }),
        /leave out the padding/,
      ],
      [
        "a reshape to anything but flat",
        model({
          nodes: [node("Reshape", ["x", "s"], "y")],
          tensors: [integers("s", [1, 4, 8])],
          inputs: image,
        }),
        /does not flatten/,
      ],
      [
        "a join along rows",
        model({ nodes: [node("Concat", ["x", "x"], "y", { axis: 2n })], inputs: image }),
        /axis 2/,
      ],
      [
        "a product of two tensors",
        model({ nodes: [node("Mul", ["x", "x"], "y")] }),
        /both inputs are computed/,
      ],
      [
        "a batch of two",
        model({ nodes: [product], tensors: [weights], inputs: [value("x", [2, 4])] }),
        /batches of 2/,
      ],
      [
        "a sequence",
        model({ nodes: [product], tensors: [weights], inputs: [value("x", [1, 4, 4])] }),
        /3 dimensions/,
      ],
      [
        "weights in another file",
        model({
          nodes: [product],
          tensors: [
            message([
              [1, 4n],
              [1, 2n],
              [2, 1n],
              [8, "w"],
              [14, 1n],
            ]),
          ],
        }),
        /another file/,
      ],
      [
        "half precision",
        model({
          nodes: [product],
          tensors: [
            message([
              [1, 4n],
              [1, 2n],
              [2, 10n],
              [8, "w"],
              [9, new Uint8Array(16)],
            ]),
          ],
        }),
        /data type is 10/,
      ],
    ])("%s", (_, bytes, text) => {
      expect(() => importOnnx(bytes)).toThrow(code("unsupported-model"));
      expect(() => importOnnx(bytes)).toThrow(text);
    });

    it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("a weight of %s", (bad) => {
      const bytes = model({ nodes: [product], tensors: [tensor("w", [4, 2], [1, 2, 3, bad, 5, 6, 7, 8])] });
      expect(() => importOnnx(bytes)).toThrow(code("weight-not-finite"));
      expect(() => importOnnx(bytes)).toThrow(/"the y"/);
    });

    it("a division by zero in a constant", () => {
      const bytes = model({ nodes: [node("Div", ["x", "d"], "y")], tensors: [tensor("d", [1], [0])] });
      expect(() => importOnnx(bytes)).toThrow(code("weight-not-finite"));
    });

    it.each([[["N", "M"]], [["N", 1, "H", 4]], [["N", 0]], [["N", -4]]])("the shape %s", (dimensions) => {
      const bytes = model({ nodes: [product], tensors: [weights], inputs: [value("x", dimensions)] });
      expect(() => importOnnx(bytes)).toThrow(code("dynamic-shape"));
    });
  });

  describe("refuses as malformed", () => {
    it.each<[string, Uint8Array]>([
      ["nothing", new Uint8Array(0)],
      ["a text", new TextEncoder().encode("this is not a model")],
      ["a zip archive", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0)],
      ["a gzip stream", Uint8Array.of(0x1f, 0x8b, 8, 0)],
      ["no graph", message([[1, 9n]])],
      ["a length beyond the file", Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x07)],
      [
        "a tensor with fewer bytes than its shape needs",
        model({ nodes: [product], tensors: [tensor("w", [4, 2 ** 40], [1])] }),
      ],
      [
        "claimed outputs without end",
        model({ nodes: [node("Gemm", ["x", "w"], "y")], tensors: [tensor("w", [4, 2 ** 33], [1])] }),
      ],
      [
        "a shape beyond all numbers",
        model({
          nodes: [product],
          tensors: [
            message([
              [1, 1n << 62n],
              [2, 1n],
              [8, "w"],
            ]),
          ],
        }),
      ],
      [
        "nine dimensions",
        model({ nodes: [product], tensors: [tensor("w", [1, 1, 1, 1, 1, 1, 1, 1, 8], [1])] }),
      ],
      [
        "two inputs",
        model({ nodes: [product], tensors: [weights], inputs: [value("x", [1, 4]), value("z", [1, 4])] }),
      ],
      ["an output that nothing computes", model({ nodes: [product], tensors: [weights], output: "z" })],
      ["too many nodes", model({ nodes: new Array(2_000).fill(product), tensors: [weights] })],
      ["a name without end", model({ nodes: [node("A".repeat(5_000), ["x"], "y")] })],
      [
        "a list without end",
        model({
          nodes: [node("Conv", ["x", "w"], "y", { pads: new Array(2_000).fill(0n) })],
          tensors: [weights],
        }),
      ],
    ])("%s", (_, bytes) => {
      expect(() => importOnnx(bytes)).toThrow(code("malformed-model"));
    });

    it("groups nested as deep as the file is long, without recursing", () => {
      const deep = new Uint8Array(1_000_000).fill(0x0b);
      expect(() => importOnnx(deep)).toThrow(code("malformed-model"));
      const inside = message([[7, deep]]);
      expect(() => importOnnx(inside)).toThrow(/groups/);
    });

    it("sub-graphs nested as deep as the file is long are passed over, not followed", () => {
      let body: Uint8Array = new Uint8Array(0);
      for (let depth = 0; depth < 2_000; depth++) body = message([[6, message([[1, message([[5, body]])]])]]);
      const looped = message([
        [1, "x"],
        [2, "y"],
        [4, "Loop"],
        [5, body],
      ]);
      expect(() => importOnnx(model({ nodes: [looped] }))).toThrow(/Loop.*not supported/);
    });

    it("a file above the limit, before reading it", () => {
      const large = new Proxy(new Uint8Array(0), {
        get: (target, name) => (name === "length" ? 300 * 1024 * 1024 : Reflect.get(target, name)),
      });
      expect(() => readOnnx(large)).toThrow(code("malformed-model"));
    });
  });

  it("refuses altered files by name or imports them, and never fails otherwise", () => {
    const bytes = fixture("every-operator.onnx");
    const known = /^(malformed-model|unsupported-model|dynamic-shape|weight-not-finite|invalid-float-graph)$/;
    const headers = [...Array(bytes.length).keys()];
    fc.assert(
      fc.property(
        fc.constantFrom(...headers),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, change, cut) => {
          const altered = cut
            ? bytes.slice(0, at)
            : bytes.map((byte, index) => (index === at ? byte ^ change : byte));
          try {
            importOnnx(altered);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(known);
          }
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
