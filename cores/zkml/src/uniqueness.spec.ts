import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forcedValues, givenValues } from "../test/forced-values.js";
import { everyKind, FloatGraphWriter, quantised, square } from "../test/sample-graphs.js";
import { randomIntegerModel } from "../test/sample-models.js";
import { compileCircuit, computeWitness } from "./circuit.js";
import { type ProvableModel, provableGraph } from "./integer-graph.js";
import { elementCount } from "./integer-node.js";
import { SCALAR_FIELD_ORDER, toScalar } from "./scalar-field.js";

const salt = new SeededRng(12).bytes(32);
const context = 0xfeedn;

function inputsOf(model: ProvableModel, seed: number): Uint8Array[] {
  const length = elementCount(provableGraph(model).inputShape);
  return [new Uint8Array(length), new Uint8Array(length).fill(255), new SeededRng(seed).bytes(length)];
}

function graphOf(write: (graph: FloatGraphWriter) => void, seed = 3): ProvableModel {
  const writer = new FloatGraphWriter([2, 4, 4], new SeededRng(seed));
  write(writer);
  return quantised(writer.finish(), seed);
}

/** One small model for every kind of layer. */
const layers: Readonly<Record<string, ProvableModel>> = {
  "dense and ReLU": randomIntegerModel([4, 3, 2], 7),
  convolution: graphOf((graph) => {
    const hidden = graph.activation(graph.convolution(0, 2, 2, square(3, 2, 1)), "relu");
    graph.dense(graph.flatten(hidden), 8, 2);
  }),
  "depthwise convolution, batch norm and leaky ReLU": graphOf((graph) => {
    const normed = graph.batchNorm(graph.convolution(0, 2, 2, square(3, 2, 1), 2), 2);
    graph.dense(graph.flatten(graph.activation(normed, "leaky-relu")), 8, 2);
  }),
  "max pool": graphOf((graph) => {
    graph.dense(graph.flatten(graph.pool(0, "max-pool", square(2, 2))), 8, 2);
  }),
  "average pool, residual add and concat": graphOf((graph) => {
    const pooled = graph.pool(0, "average-pool", square(2, 2));
    const hidden = graph.activation(graph.convolution(pooled, 2, 2, square(1)), "relu");
    const joined = graph.join("concat", graph.join("add", hidden, pooled), pooled);
    graph.dense(graph.flatten(joined), 16, 2);
  }),
  ...Object.fromEntries(
    (["sigmoid", "tanh", "gelu", "gelu-tanh"] as const).map((type) => [
      `${type} by table`,
      graphOf((graph) => {
        const pooled = graph.pool(0, "average-pool", square(4));
        graph.dense(graph.activation(graph.dense(graph.flatten(pooled), 2, 2), type), 2, 2);
      }),
    ]),
  ),
};

/** Rows of one gadget say the same thing about other signals. */
function kindOf(constraint: string): string {
  return constraint.replaceAll(/\d+/g, "n");
}

describe("a circuit's witness", () => {
  describe.each(Object.entries(layers))("with %s", (_, model) => {
    const r1cs = compileCircuit(model);
    const witnesses = inputsOf(model, 5).map((input) => computeWitness(model, r1cs, input, salt, context));

    it("is the only one of its input: every value of it is forced, the output first of all", () => {
      for (const witness of witnesses) {
        const { values, contradiction } = forcedValues(r1cs, givenValues(r1cs, witness));
        expect(contradiction).toBeUndefined();
        expect(values).toEqual(witness);
      }
    });

    it("would not be the only one without any kind of its constraints", () => {
      const rows = new Map<string, number>();
      for (const [row, name] of r1cs.constraintNames.entries())
        if (!rows.has(kindOf(name))) rows.set(kindOf(name), row);
      for (const [kind, first] of rows) {
        const skip = new Set(
          r1cs.constraintNames.flatMap((name, row) => (row === first || kindOf(name) === kind ? [row] : [])),
        );
        const open = witnesses.some((witness) =>
          forcedValues(r1cs, givenValues(r1cs, witness), skip).values.includes(undefined),
        );
        expect(open, kind).toBe(true);
      }
    });
  });

  it("cannot be mended around any one changed signal: something is contradicted whatever the others become", () => {
    const model = randomIntegerModel([2, 2, 2], 9);
    const r1cs = compileCircuit(model);
    const witness = computeWitness(model, r1cs, Uint8Array.of(200, 3), salt, context);
    const given = givenValues(r1cs, witness);
    for (let signal = 1; signal < r1cs.variables; signal++) {
      if (given.has(signal)) continue;
      const value = witness[signal] as bigint;
      for (const forged of [1n - value, value + 1n]) {
        if (toScalar(forged) === value) continue;
        const pinned = new Map([...given, [signal, toScalar(forged)] as const]);
        expect(forcedValues(r1cs, pinned).contradiction, r1cs.signalNames[signal]).toBeDefined();
      }
    }
  });

  it("cannot hold an input that is no byte", () => {
    const model = randomIntegerModel([2, 2, 2], 9);
    const r1cs = compileCircuit(model);
    const witness = computeWitness(model, r1cs, Uint8Array.of(200, 3), salt, context);
    for (const value of [256n, 511n, SCALAR_FIELD_ORDER - 1n, 1n << 200n]) {
      const given = givenValues(r1cs, witness).set(r1cs.signalNames.indexOf("input[0]"), value);
      expect(forcedValues(r1cs, given).contradiction).toBeDefined();
    }
  });

  it("is the only one of its input on random networks of every kind of node", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.constantFrom("relu", "tanh" as const),
        (seed, type) => {
          const graph = quantised(everyKind(seed, type), seed);
          const r1cs = compileCircuit(graph);
          const witness = computeWitness(graph, r1cs, new SeededRng(seed).bytes(72), salt, context);
          expect(forcedValues(r1cs, givenValues(r1cs, witness)).values).toEqual(witness);
        },
      ),
      { numRuns: 3 },
    );
  });
});
