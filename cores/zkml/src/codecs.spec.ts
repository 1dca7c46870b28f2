import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomFloatModel, randomIntegerModel } from "../test/sample-models.js";
import { decodeFloatModel, encodeFloatModel, evaluateFloat } from "./float-model.js";
import { inputCommitment } from "./input-commitment.js";
import { decodeIntegerModel, encodeIntegerModel, modelCommitment } from "./integer-model.js";
import { decodeJobInput, encodeJobInput } from "./job-input.js";
import { poseidonHash } from "./poseidon.js";
import { bytesToInteger } from "./scalar-field.js";

const float = randomFloatModel([6, 5, 3], 1);
const integer = randomIntegerModel([6, 5, 3], 1);
const jobInput = { input: Uint8Array.of(1, 2, 3), salt: new Uint8Array(32).fill(9) };

const formats = [
  { name: "float-model", bytes: encodeFloatModel(float), decode: decodeFloatModel, value: float },
  { name: "integer-model", bytes: encodeIntegerModel(integer), decode: decodeIntegerModel, value: integer },
  { name: "job-input", bytes: encodeJobInput(jobInput), decode: decodeJobInput, value: jobInput },
] as const;

describe.each(formats)("$name codec", ({ name, bytes, decode, value }) => {
  it("round-trips", () => {
    expect(decode(bytes)).toEqual(value);
  });

  it("reads a view into a larger buffer", () => {
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    expect(decode(padded.subarray(3))).toEqual(value);
  });

  it("refuses every truncation and anything appended", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: `malformed-${name}` }),
      );
    }
    expect(() => decode(Uint8Array.of(...bytes, 0))).toThrow(
      expect.objectContaining({ code: `malformed-${name}` }),
    );
  });

  it("answers any bytes with a value that encodes to them or with a coded error", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = bytes.slice();
        changed[at] = byte;
        try {
          decode(changed);
        } catch (error) {
          expect(error).toHaveProperty("code");
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(() => decode(random)).toThrow(expect.objectContaining({ code: `malformed-${name}` }));
      }),
    );
  });
});

describe("float model", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %s among weights and biases", (bad) => {
    const withBad = (part: "weights" | "biases") => ({
      layers: float.layers.map((layer, index) => {
        if (index !== 0) return layer;
        const copy = Float32Array.from(layer[part]);
        copy[2] = bad;
        return { ...layer, [part]: copy };
      }),
    });
    expect(() => encodeFloatModel(withBad("weights"))).toThrow(
      expect.objectContaining({ code: "invalid-float-model" }),
    );
    expect(() => encodeFloatModel(withBad("biases"))).toThrow(
      expect.objectContaining({ code: "invalid-float-model" }),
    );
  });

  it("names huge dimensions before reserving memory for them", () => {
    const bytes = encodeFloatModel(float).slice();
    new DataView(bytes.buffer).setUint32(12, 0xffff_ffff, true);
    expect(() => decodeFloatModel(bytes)).toThrow(expect.objectContaining({ code: "malformed-float-model" }));
  });

  it("refuses an input of the wrong shape", () => {
    expect(() => evaluateFloat(float, new Uint8Array(5))).toThrow(
      expect.objectContaining({ code: "wrong-input-shape", field: "input" }),
    );
  });
});

describe("model commitment", () => {
  it("moves with the salt and with each weight", () => {
    const base = modelCommitment(integer);
    expect(base).toHaveLength(32);
    expect(modelCommitment({ ...integer, salt: new Uint8Array(32) })).not.toEqual(base);
    const layers = integer.layers.map((layer) => ({ ...layer, weights: layer.weights.slice() }));
    const weights = layers[0]?.weights as Int8Array;
    weights[0] = weights[0] === 1 ? 2 : 1;
    expect(modelCommitment({ ...integer, layers })).not.toEqual(base);
  });
});

describe("input commitment", () => {
  it("is the documented chain of Poseidon", () => {
    const salt = Uint8Array.from({ length: 32 }, (_, i) => i);
    const input = Uint8Array.from({ length: 784 }, (_, i) => i % 251);
    const packed = Array.from({ length: 26 }, (_, i) => bytesToInteger(input.subarray(i * 31, i * 31 + 31)));
    const tag = (0x41494f5349433031n << 32n) | 784n;
    const first = poseidonHash([
      tag,
      bytesToInteger(salt.subarray(0, 16)),
      bytesToInteger(salt.subarray(16)),
      ...packed.slice(0, 13),
    ]);
    expect(inputCommitment(input, salt)).toBe(poseidonHash([first, ...packed.slice(13)]));
  });

  it("moves with salt, content and length", () => {
    const salt = new Uint8Array(32).fill(3);
    const digests = [
      inputCommitment(Uint8Array.of(0, 1), salt),
      inputCommitment(Uint8Array.of(1, 0), salt),
      inputCommitment(Uint8Array.of(0, 0, 1), salt),
      inputCommitment(Uint8Array.of(0, 1), new Uint8Array(32).fill(4)),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("refuses empty inputs and short salts", () => {
    expect(() => inputCommitment(new Uint8Array(0), new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: "invalid-job-input" }),
    );
    expect(() => inputCommitment(new Uint8Array(1), new Uint8Array(31))).toThrow(
      expect.objectContaining({ code: "invalid-job-input" }),
    );
  });
});
