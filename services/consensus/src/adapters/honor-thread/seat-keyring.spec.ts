import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blsPublicKey, blsSign, blsSignatures } from "@aios/core-finality/bls-signatures";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, expect, it } from "vitest";
import { SeatKeyring } from "./seat-keyring.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const secretOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const keyOf = (byte: number): string => hex(blsPublicKey(secretOf(byte)));
const directory = temporaryDirectory("seat-keys");
afterAll(() => directory.remove());

it("finds a secret that came after the start, under the name of its key alone", () => {
  const keys = join(directory.path, "later");
  const keyring = new SeatKeyring(blsSignatures, secretOf(1), keys);
  expect([keyring.has(keyOf(1)), keyring.has(keyOf(2))]).toEqual([true, false]);
  mkdirSync(keys);
  writeFileSync(join(keys, `${keyOf(2)}.key`), `${hex(secretOf(2))}\n`);
  writeFileSync(join(keys, `${keyOf(3)}.key`), hex(secretOf(4)));
  writeFileSync(join(keys, `${keyOf(5)}.key`), "not a secret");
  writeFileSync(join(keys, `${keyOf(6)}.key`), "00".repeat(32));
  writeFileSync(join(keys, "notes.txt"), hex(secretOf(7)));
  expect([2, 3, 4, 5, 6, 7].map((byte) => keyring.has(keyOf(byte)))).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
  const message = Uint8Array.of(1, 2, 3);
  expect(keyring.sign(keyOf(2), message)).toBe(hex(blsSign(secretOf(2), message)));
  expect(() => keyring.sign(keyOf(3), message)).toThrow("not here");
});
