import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bigintOf, bytesOf, concatenate, type Precompile } from "./precompile.js";

/** [τ]G₂ of Ethereum's trusted setup (EIP-4844, `g2_monomial[1]`): all that the check of one evaluation needs. */
const TAU_G2 =
  "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2";
const FIELD_ELEMENTS_PER_BLOB = 4_096n;
const INPUT_BYTES = 192;

const { G1, G2, fields } = bls12_381;

let tau: InstanceType<typeof G2.Point> | undefined;

/** EIP-4844 `verify_kzg_proof`: e(C − [y], G₂) = e(π, [τ − z]). */
function verify(commitment: Uint8Array, z: bigint, y: bigint, proof: Uint8Array): boolean {
  if (z >= fields.Fr.ORDER || y >= fields.Fr.ORDER) return false;
  tau ??= G2.Point.fromHex(TAU_G2);
  const c = G1.Point.fromBytes(commitment);
  const p = G1.Point.fromBytes(proof);
  c.assertValidity();
  p.assertValidity();
  const left = y === 0n ? c : c.subtract(G1.Point.BASE.multiplyUnsafe(y));
  const right = z === 0n ? tau : tau.subtract(G2.Point.BASE.multiplyUnsafe(z));
  const pairs = [
    { g1: left, g2: G2.Point.BASE.negate() },
    { g1: p, g2: right },
  ].filter(({ g1, g2 }) => !g1.is0() && !g2.is0());
  return pairs.length === 0 || fields.Fp12.eql(bls12_381.pairingBatch(pairs), fields.Fp12.ONE);
}

/** 0x0a: point evaluation of a blob commitment (EIP-4844). */
export const pointEvaluation: Precompile = {
  gas: () => 50_000,
  run: (input) => {
    if (input.length !== INPUT_BYTES) return undefined;
    const commitment = input.subarray(96, 144);
    const hash = sha256(commitment);
    hash[0] = 1;
    if (hash.some((byte, i) => byte !== input[i])) return undefined;
    try {
      const z = bigintOf(input.subarray(32, 64));
      const y = bigintOf(input.subarray(64, 96));
      if (!verify(commitment, z, y, input.subarray(144, 192))) return undefined;
    } catch {
      return undefined;
    }
    return concatenate(bytesOf(FIELD_ELEMENTS_PER_BLOB, 32), bytesOf(fields.Fr.ORDER, 32));
  },
};
