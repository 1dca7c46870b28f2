import { keccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type RequestedTraining, requestHash } from "./request-hash.js";

const TRAINING: RequestedTraining = {
  kind: "training",
  dataSet: "mnist-digits",
  seed: 7,
  epochs: 2,
  batchSize: 64,
  layers: [784, 32, 10],
  trainPerClass: 100,
  testPerClass: 50,
  shiftAugmentation: false,
};
const KEY = `0x${"ab".repeat(32)}`;

it("hashes the canonical JSON of the work and of whom its output is for", () => {
  const json = `{"batchSize":64,"dataSet":"mnist-digits","epochs":2,"kind":"training","layers":[784,32,10],"outputRecipientPublicKey":"${KEY}","seed":7,"shiftAugmentation":false,"testPerClass":50,"trainPerClass":100}`;
  expect(requestHash(TRAINING, KEY)).toBe(keccak256(toUtf8Bytes(json)));
  expect(requestHash(TRAINING, KEY.toUpperCase().replace("X", "x"))).toBe(requestHash(TRAINING, KEY));
  const inference = keccak256(toUtf8Bytes('{"kind":"inference","modelId":"3"}'));
  expect(requestHash({ kind: "inference", modelId: 3 }, "")).toBe(inference);
});

it("is another one when anything that was ordered is another", () => {
  const numbers = ["seed", "epochs", "batchSize", "trainPerClass", "testPerClass"] as const;
  fc.assert(
    fc.property(fc.constantFrom(...numbers), fc.nat(), (field, value) => {
      fc.pre(value !== TRAINING[field]);
      expect(requestHash({ ...TRAINING, [field]: value }, KEY)).not.toBe(requestHash(TRAINING, KEY));
    }),
  );
  expect(requestHash(TRAINING, `0x${"ac".repeat(32)}`)).not.toBe(requestHash(TRAINING, KEY));
  expect(requestHash({ ...TRAINING, layers: [784, 33, 10] }, KEY)).not.toBe(requestHash(TRAINING, KEY));
});
