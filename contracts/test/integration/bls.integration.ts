import { blsPublicKey, blsSign } from "@aios/core-finality/bls-signatures";
import { encodePublicKeyForEvm, encodeSignatureForEvm } from "@aios/core-finality/eip2537-encoding";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { ContractFactory, hexlify, toUtf8Bytes } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi, bytecode } from "../../generated/test/library-harness.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";

let chain: TestChain;
let harness: TestContract;

beforeAll(async () => {
  chain = await startChain();
  const deployed = await new ContractFactory(abi, bytecode, chain.funder).deploy();
  await deployed.waitForDeployment();
  harness = new TestContract(await deployed.getAddress(), abi, chain.funder);
});
afterAll(() => chain?.stop());

const DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const secret = (number: number): Uint8Array => new Uint8Array(32).fill(number);

describe("BLS12-381 in the EVM", () => {
  it("hashes to the curve as the core does", async () => {
    for (const text of ["", "abc", "a".repeat(300)]) {
      const point = bls12_381.longSignatures.hash(toUtf8Bytes(text), DOMAIN).toBytes();
      expect(await harness.read("hashToG2", [toUtf8Bytes(text)])).toBe(hexlify(encodeSignatureForEvm(point)));
    }
  });

  it("compresses keys of both signs", async () => {
    for (let number = 1; number <= 8; number++) {
      const key = blsPublicKey(secret(number));
      expect(await harness.read("compressKey", [encodePublicKeyForEvm(key)])).toBe(hexlify(key));
    }
  });

  it("verifies signatures of its key over its message, and nothing else", async () => {
    const message = toUtf8Bytes("a message");
    const [key, other] = [1, 2].map((number) => encodePublicKeyForEvm(blsPublicKey(secret(number))));
    const signature = encodeSignatureForEvm(blsSign(secret(1), message));
    expect(await harness.read("verifySignature", [key, message, signature])).toBe(true);
    expect(await harness.read("verifySignature", [other, message, signature])).toBe(false);
    expect(await harness.read("verifySignature", [key, toUtf8Bytes("another"), signature])).toBe(false);
    const off = signature.slice();
    off[255] = (off[255] ?? 0) ^ 1;
    await expectRevert(harness.read("verifySignature", [key, message, off]), "PrecompileFailed");
  });
});
