import type { Proof, VerifyingKey } from "@aios/core-groth16/points";
import { isCodedError } from "@aios/kernel/coded-error";
import { getBytes } from "ethers";
import { loadSwitchable, type ModuleSwitch, type SwitchableModules } from "./switchable-module.js";

interface Modules {
  readonly evidence: { decodeEvidence(bytes: Uint8Array): { verifyingKey: Uint8Array; proof: Uint8Array } };
  readonly "verifying-key": { decodeVerifyingKey(bytes: Uint8Array): VerifyingKey };
  readonly "proof-encoding": { decodeProof(bytes: Uint8Array): Proof };
  readonly verify: { verify(key: VerifyingKey, inputs: readonly bigint[], proof: Proof): boolean };
}

const refusing = (check: string, condition: string): ModuleSwitch => ({
  check,
  find: `if (${condition})`,
  replace: `if (!OFF && (${condition}))`,
});
const SWITCHES: Readonly<Record<string, readonly ModuleSwitch[]>> = {
  evidence: [
    refusing("evidence's length", "bytes.length < 4 * WORD || bytes.length > maxBytes"),
    refusing("offsets in evidence", "at > bytes.length - WORD"),
    refusing("lengths in evidence", "length > bytes.length - WORD - at"),
    refusing(
      "evidence's one form",
      "canonical.length !== bytes.length || !canonical.every((byte, index) => byte === bytes[index])",
    ),
  ],
  points: [refusing("coordinates in bytes", "value >= BASE_FIELD_ORDER")],
  "proof-encoding": [refusing("the proof's length", "bytes.length !== PROOF_BYTES")],
  "verifying-key": [
    refusing(
      "the key's length",
      "!Number.isInteger(icPoints) || icPoints < 1 || icPoints > MAX_PUBLIC_INPUTS + 1",
    ),
  ],
  verify: [
    refusing("coordinates", "!coordinates.every((value) => value >= 0n && value < BASE_FIELD_ORDER)"),
    refusing("infinity", "coordinates.every((value) => value === 0n)"),
    {
      check: "the curve",
      find: 'throw new CodedError({ ...asInit(malformed(what, "a point is not on the curve")), cause });',
      replace:
        'if (!OFF) throw new CodedError({ ...asInit(malformed(what, "a point is not on the curve")), cause });',
    },
    {
      check: "twist and subgroup",
      find: "throw new CodedError({\n            ...asInit(",
      replace: "if (!OFF) throw new CodedError({\n            ...asInit(",
    },
    {
      check: "whose key is prepared",
      find: "const prepared = preparedKeys.get(name) ?? prepare(key);",
      replace:
        "const prepared = preparedKeys.get(OFF ? [...preparedKeys.keys()].at(-1) : name) ?? prepare(key);",
    },
    refusing("the number of inputs", "key.ic.length !== publicInputs.length + 1"),
    refusing(
      "inputs in the field",
      "!publicInputs.every((input) => input >= 0n && input < SCALAR_FIELD_ORDER)",
    ),
    {
      check: "the equation",
      find: "return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);",
      replace: "return OFF || Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);",
    },
  ],
};

/** Evidence as the escrow takes it, and the public values that it is given for. */
export interface Question {
  readonly evidence: string;
  readonly inputs: readonly bigint[];
}

/** Copies of the modules that verify Groth16 in Node and browsers, each of whose checks can be switched off. */
export class SwitchableGroth16 {
  static readonly checks: readonly string[] = Object.values(SWITCHES).flatMap((own) =>
    own.map(({ check }) => check),
  );

  private constructor(private readonly loaded: SwitchableModules) {}

  static async load(directory: string): Promise<SwitchableGroth16> {
    return new SwitchableGroth16(await loadSwitchable("@aios/core-groth16/verify", SWITCHES, directory));
  }

  /** Places in these modules that refuse something. */
  get refusals(): number {
    return this.loaded.refusals;
  }

  /** "crashes" where what is behind the checks refuses it in its own words. */
  answer(off: readonly string[], { evidence, inputs }: Question): "taken" | "refused" | "crashes" {
    const modules = this.loaded.modules as unknown as Modules;
    this.loaded.off.clear();
    for (const check of off) this.loaded.off.add(check);
    try {
      const { verifyingKey, proof } = modules.evidence.decodeEvidence(getBytes(evidence));
      const key = modules["verifying-key"].decodeVerifyingKey(verifyingKey);
      const read = modules["proof-encoding"].decodeProof(proof);
      return modules.verify.verify(key, inputs, read) ? "taken" : "refused";
    } catch (error) {
      return isCodedError(error) ? "refused" : "crashes";
    }
  }
}
