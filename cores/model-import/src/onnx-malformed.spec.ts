import { describe, expect, it } from "vitest";
import { message, model, node, tensor, value } from "../test/onnx-writer.js";
import { importOnnx } from "./onnx-import.js";
import { readOnnx } from "./onnx-messages.js";

const weights = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const product = node("MatMul", ["x", "w"], "y");
const code = (name: string) => expect.objectContaining({ code: name });

describe("ONNX", () => {
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
});
