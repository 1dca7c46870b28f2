import { toHex } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import { Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KEY, recoverPublicKey } from "../test/signing.js";
import { recoverAuthority } from "./authority.js";
import { SECP256K1_ORDER } from "./check-transaction.js";
import type { Authorization } from "./transaction.js";

const wallet = new Wallet(toHex(KEY));
const signer = wallet.address.toLowerCase();
const DELEGATE = `0x${"42".repeat(20)}` as Address;

function authorize(chainId: bigint, nonce: bigint): Authorization {
  const { signature } = wallet.authorizeSync({ chainId, nonce, address: DELEGATE });
  return {
    ...{ chainId, nonce, address: DELEGATE, yParity: signature.yParity },
    r: BigInt(signature.r),
    s: BigInt(signature.s),
  };
}

describe("recoverAuthority", () => {
  it("finds who signed with ethers", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (chainId, nonce) => {
        expect(recoverAuthority(authorize(chainId, nonce), recoverPublicKey)).toBe(signer);
      }),
      { numRuns: 20 },
    );
  });

  it("finds nobody behind a signature that Ethereum skips", () => {
    const good = authorize(1n, 0n);
    for (const change of [
      { yParity: 27 },
      { r: 0n },
      { r: SECP256K1_ORDER },
      { s: 0n },
      { s: SECP256K1_ORDER - good.s, yParity: 1 - good.yParity },
    ])
      expect(recoverAuthority({ ...good, ...change }, recoverPublicKey)).toBeUndefined();
  });

  it("finds somebody else behind a changed tuple", () => {
    expect(recoverAuthority({ ...authorize(1n, 0n), nonce: 1n }, recoverPublicKey)).not.toBe(signer);
  });
});
