import * as peer from "poseidon-lite";
import { describe, expect, it } from "vitest";
import { poseidonHash } from "./poseidon.js";
import { SCALAR_FIELD_ORDER } from "./scalar-field.js";

describe("Poseidon", () => {
  it("gives circomlib's published digests", () => {
    expect(poseidonHash([1n])).toBe(
      18586133768512220936620570745912940619677854269274689475585506675881198879027n,
    );
    expect(poseidonHash([1n, 2n])).toBe(
      7853200120776062878684798364095072458815029376092732009249414926327459813530n,
    );
  });

  it("agrees with poseidon-lite at every width", () => {
    const hashes: readonly ((inputs: bigint[]) => bigint)[] = [
      peer.poseidon1,
      peer.poseidon2,
      peer.poseidon3,
      peer.poseidon4,
      peer.poseidon5,
      peer.poseidon6,
      peer.poseidon7,
      peer.poseidon8,
      peer.poseidon9,
      peer.poseidon10,
      peer.poseidon11,
      peer.poseidon12,
      peer.poseidon13,
      peer.poseidon14,
      peer.poseidon15,
      peer.poseidon16,
    ];
    for (const [index, hash] of hashes.entries()) {
      const inputs = Array.from({ length: index + 1 }, (_, i) => SCALAR_FIELD_ORDER - BigInt(i + 1));
      expect(poseidonHash(inputs)).toBe(hash(inputs));
    }
  });

  it("refuses what is not a field element and widths it has no constants for", () => {
    expect(() => poseidonHash([SCALAR_FIELD_ORDER])).toThrow(
      expect.objectContaining({ code: "not-a-scalar" }),
    );
    expect(() => poseidonHash([-1n])).toThrow(expect.objectContaining({ code: "not-a-scalar" }));
    expect(() => poseidonHash([])).toThrow(expect.objectContaining({ code: "invalid-poseidon-width" }));
    expect(() => poseidonHash(Array.from({ length: 17 }, () => 0n))).toThrow(
      expect.objectContaining({ code: "invalid-poseidon-width" }),
    );
  });
});
