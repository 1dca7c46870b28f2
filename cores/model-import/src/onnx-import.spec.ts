import { readFileSync } from "node:fs";
import { circuitSize } from "@aios/core-zkml/circuit-size";
import { argmax } from "@aios/core-zkml/evaluator";
import { evaluateFloatGraph } from "@aios/core-zkml/float-evaluator";
import { quantiseGraph } from "@aios/core-zkml/graph-quantisation";
import { MAX_PARAMETERS } from "@aios/core-zkml/model-limits";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { integers, message, model, node, tensor, value } from "../test/onnx-writer.js";
import { importOnnx } from "./onnx-import.js";
import { FloatTensor } from "./onnx-tensor.js";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url)));
const weights = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const product = node("MatMul", ["x", "w"], "y");
const code = (name: string) => expect.objectContaining({ code: name });

afterEach(() => vi.restoreAllMocks());

describe("ONNX", () => {
  const expected = JSON.parse(new TextDecoder().decode(fixture("expected.json"))) as {
    readonly inputs: readonly string[];
    readonly "every-operator": readonly (readonly number[])[];
    /** Div, Identity and GlobalMaxPool; and the same with a last LogSoftmax and a last ArgMax. */
    readonly further: readonly (readonly number[])[];
    readonly "log-softmax": readonly (readonly number[])[];
    readonly "arg-max": readonly number[];
  };
  const inputs = expected.inputs.map((input) => Uint8Array.from(Buffer.from(input, "hex")));
  const expectValues = (
    values: readonly number[] | Float64Array,
    wanted: readonly number[] | undefined,
  ): void => {
    expect(values).toHaveLength(wanted?.length ?? 0);
    for (const [at, value] of values.entries()) expect(value).toBeCloseTo(wanted?.[at] as number, 4);
  };

  it("gives what the reference evaluator of the format gives, for every supported operator", () => {
    const { graph, notes } = importOnnx(fixture("every-operator.onnx"));
    expect(notes).toEqual([expect.stringMatching(/^Softmax "probabilities" is left out/)]);
    for (const [index, input] of inputs.entries())
      expectValues(evaluateFloatGraph(graph, input), expected["every-operator"][index]);
  });

  it.each([
    ["log-softmax", "LogSoftmax"],
    ["arg-max", "ArgMax"],
  ] as const)("gives the logits that a last %s is a function of", (name, operator) => {
    const { graph, notes } = importOnnx(fixture(`${name}.onnx`));
    expect(notes).toEqual([expect.stringMatching(new RegExp(`^${operator} "result" is left out`))]);
    for (const [index, input] of inputs.entries()) {
      const logits = evaluateFloatGraph(graph, input);
      expectValues(logits, expected.further[index]);
      const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      expectValues(
        Array.from(logits, (logit) => logit - logSum),
        expected["log-softmax"][index],
      );
      expect(argmax(logits)).toBe(expected["arg-max"][index]);
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
        "a product of more than its input's dimensions",
        model({
          nodes: [node("MatMul", ["x", "k"], "y")],
          tensors: [tensor("k", [1, 1], [1])],
          inputs: [value("x", [1, 1, 1, 1])],
        }),
        /not flat/,
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
        "a reshape that makes a batch of the values",
        model({
          nodes: [node("Reshape", ["x", "s"], "y")],
          tensors: [integers("s", [8, -1])],
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

  describe("adds and multiplies constants as ONNX aligns them, from the right:", () => {
    const constant = (dimensions: readonly number[]) =>
      tensor("c", dimensions, new Array(dimensions.reduce((product, side) => product * side, 1)).fill(3));
    const planes = [value("x", [1, 2, 2, 2])];
    const scaled = (operator: string, dimensions: readonly number[]) =>
      model({ nodes: [node(operator, ["x", "c"], "y")], tensors: [constant(dimensions)], inputs: planes });

    it.each<[string, readonly number[]]>([
      ["along the columns", [2]],
      ["along the columns, named with the rows", [1, 2]],
      ["along the rows", [1, 1, 2, 1]],
      ["along the rows, without the batch", [1, 2, 1]],
      ["along the batch", [2, 1, 1, 1]],
      ["along channels and rows", [2, 2, 1]],
      ["with more dimensions than the tensor", [1, 1, 2, 1, 1]],
    ])("two values %s of a tensor of two channels are refused", (_, dimensions) => {
      for (const operator of ["Add", "Sub", "Mul", "Div"])
        expect(() => importOnnx(scaled(operator, dimensions))).toThrow(code("unsupported-model"));
    });

    it.each([[[2, 1, 1]], [[1, 2, 1, 1]], [[1]], [[]], [[1, 1, 1, 1]]])(
      "shape %j is a value a channel",
      (dimensions) => {
        const { graph } = importOnnx(scaled("Mul", dimensions));
        expect(graph.nodes).toEqual([
          expect.objectContaining({
            kind: "batch-norm",
            scale: Float32Array.of(3, 3),
            offset: new Float32Array(2),
          }),
        ]);
      },
    );

    it("a list runs along the channels once these are the last axis, after flattening, and not before", () => {
      const pooled = (...between: Uint8Array[]) =>
        model({
          nodes: [
            node("GlobalAveragePool", ["x"], "g"),
            ...between,
            node("Add", [between.length === 0 ? "g" : "f", "c"], "y"),
          ],
          tensors: [constant([2])],
          inputs: planes,
        });
      expect(importOnnx(pooled(node("Flatten", ["g"], "f"))).graph.nodes).toHaveLength(3);
      expect(() => importOnnx(pooled())).toThrow(/one a channel of 2/);
    });

    it("a bias down the rows of a Gemm, and a sum of a plane and a flat tensor, are refused", () => {
      const gemm = model({
        nodes: [node("Gemm", ["x", "w", "b"], "y")],
        tensors: [weights, tensor("b", [2, 1], [1, 1])],
      });
      expect(() => importOnnx(gemm)).toThrow(/one a channel of 2/);
      const sum = model({
        nodes: [
          node("GlobalAveragePool", ["x"], "g"),
          node("Flatten", ["g"], "f"),
          node("Add", ["g", "f"], "y"),
        ],
        inputs: planes,
      });
      expect(() => importOnnx(sum)).toThrow(/different shapes/);
    });
  });

  describe("reserves memory for what fits only:", () => {
    it.each<[string, Uint8Array, RegExp]>([
      [
        "rows without columns",
        model({
          nodes: [node("Gemm", ["x", "w"], "y", { transB: 1n })],
          tensors: [tensor("w", [2 ** 31, 0], [])],
        }),
        /sides is 0/,
      ],
      [
        "kernels without cells",
        model({
          nodes: [node("Conv", ["x", "w"], "y")],
          tensors: [tensor("w", [2 ** 40, 2, 0, 0], [])],
          inputs: [value("x", [1, 2, 4, 4])],
        }),
        /sides is 0/,
      ],
      [
        "a tensor joined to itself again and again",
        model({
          nodes: [
            ...Array.from({ length: 40 }, (_, at) =>
              node("Concat", [at === 0 ? "x" : `c${at}`, at === 0 ? "x" : `c${at}`], `c${at + 1}`, {
                axis: 1n,
              }),
            ),
            node("Add", ["c40", "one"], "y"),
          ],
          tensors: [tensor("one", [], [1])],
        }),
        /"the c1[0-9]" \(Concat\).*intermediate values/,
      ],
      [
        "an input beyond the bound",
        model({ nodes: [node("Relu", ["x"], "y")], inputs: [value("x", [1, 2 ** 30])] }),
        /takes an input of 1073741824/,
      ],
    ])("%s are refused by name", (_, bytes, text) => {
      expect(bytes.length).toBeLessThan(4_096);
      expect(() => importOnnx(bytes)).toThrow(code("unsupported-model"));
      expect(() => importOnnx(bytes)).toThrow(text);
    });

    it("one tensor shared by many nodes is copied while its copies are within the bound, not once more", () => {
      const copies = vi.spyOn(FloatTensor.prototype, "values");
      const [rows, columns] = [300, 256];
      const bytes = model({
        nodes: Array.from({ length: 250 }, (_, at) => node("Gemm", ["x", "w"], `y${at}`, { transB: 1n })),
        tensors: [tensor("w", [rows, columns], new Array(rows * columns).fill(1))],
        inputs: [value("x", [1, columns])],
      });
      expect(() => importOnnx(bytes)).toThrow(/parameters/);
      expect(copies.mock.calls.length * rows * columns).toBeLessThanOrEqual(MAX_PARAMETERS);
    });
  });

  describe("takes operator sets 7 to 23 of ONNX's own and refuses, naming it,", () => {
    const written = (...operatorSets: bigint[]) =>
      model({ nodes: [product], tensors: [weights], operatorSets });

    it.each([7n, 23n])("none of version %s", (version) => {
      expect(importOnnx(written(version)).graph.nodes).toHaveLength(1);
    });

    it.each([1n, 6n, 24n, -1n])("version %s", (version) => {
      expect(() => importOnnx(written(version))).toThrow(code("unsupported-model"));
      expect(() => importOnnx(written(version))).toThrow(`version ${version} of ONNX's operator set`);
    });

    it("a file that names none, or two", () => {
      expect(() => importOnnx(written())).toThrow(code("malformed-model"));
      expect(() => importOnnx(written(20n, 21n))).toThrow(code("malformed-model"));
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
