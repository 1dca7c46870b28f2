import {
  compileSwitchable,
  type DeployedContract,
  SwitchableEvm,
  type Switches,
} from "./switchable-solidity.js";
import { ToyGroth16 } from "./toy-groth16.js";
import { word } from "./words.js";

/** Two keys whose trapdoors are known. */
export const OWN = new ToyGroth16(7n);
export const OTHER = new ToyGroth16(8n);

/** `if (…) return _invalid("reason")`, by its reason. */
const invalidSwitches: Switches = (source, off) =>
  source.replace(
    /if \((.+)\) (\{\s+)?return _invalid\("([a-z-]+)"\)/g,
    (_, condition: string, brace: string | undefined, reason: string) =>
      `if (!${off(reason)} && (${condition})) ${brace ?? ""}return _invalid("${reason}")`,
  );

/** `require(…, HonkErrors…("reason"))`, by function and reason. What it asks is computed all the same: others are in it. */
const requireSwitches: Switches = (source, off) => {
  let within = "";
  return source
    .split("\n")
    .map((line) => {
      within = /^ +function (\w+)/.exec(line)?.[1] ?? within;
      return line.replace(
        /require\((.+), (HonkErrors\.\w+\("([a-z0-9-]+)"\))\)/,
        (_, condition: string, error: string, reason: string) =>
          `require((${condition}) || ${off(`${within}: ${reason}`)}, ${error})`,
      );
    })
    .join("\n");
};

/** What the first public input is a hash of, each by its name; and a second version of the statement. */
export const FACTS = {
  STATEMENT_VERSION: "0",
  "block.chainid": "0",
  "claim.escrow": "address(0)",
  "claim.jobId": "bytes32(0)",
  "claim.requester": "address(0)",
  modelCommitment: "bytes32(0)",
  verifyingKeyHash: "bytes32(0)",
} as const;
export type Fact = keyof typeof FACTS;
export const ANOTHER_VERSION = "another version";
const statementSwitches: Switches = (source, off) => {
  const [head = "", tail = ""] = source.split("abi.encode(");
  const facts = Object.entries(FACTS).reduce((text, [fact, nothing]) => {
    const value = fact === "STATEMENT_VERSION" ? `(${fact} + (${off(ANOTHER_VERSION)} ? 1 : 0))` : fact;
    return text.replace(
      new RegExp(`(\\s)${fact.replace(".", "\\.")}(,?\\s)`),
      `$1(${off(fact)} ? ${nothing} : ${value})$2`,
    );
  }, tail);
  return `${head}abi.encode(${facts}`;
};

const FURTHER = {
  "test/Answers.sol": `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
contract Models {
    mapping(uint256 => bytes32[2]) private terms;
    constructor(uint256[] memory ids, bytes32[2][] memory all) {
        for (uint256 i = 0; i < ids.length; i++) terms[ids[i]] = all[i];
    }
    function statementOf(uint256 id) external view returns (bytes32, bytes32) { return (terms[id][0], terms[id][1]); }
    function honkStatementOf(uint256 id) external view returns (bytes32, bytes32) { return (terms[id][0], terms[id][1]); }
}
contract FixedVerifier {
    uint256 private immutable answer;
    constructor(uint256 answer_) { answer = answer_; }
    function verify(bytes calldata, bytes32[] calldata, bytes calldata) external view returns (bool) {
        require(answer < 2);
        return answer == 1;
    }
}`,
};

/** One run of the compiler for all. */
export const solidity = compileSwitchable(
  {
    "Groth16ResultVerifier.sol": (source, off) => invalidSwitches(source, (check) => off(`groth16 ${check}`)),
    "HonkResultVerifier.sol": (source, off) =>
      invalidSwitches(source, (check) => off(`honk result ${check}`))
        .replace("return holds ?", `return ${off("honk result answer")} || holds ?`)
        .replace(
          /catch \{\s+return _invalid\("proof-rejected"\);/,
          `catch { return ${off("honk result refusal")} ? _final() : _invalid("proof-rejected");`,
        ),
    "base/ProofStatement.sol": statementSwitches,
    "honk/HonkVerifier.sol": (source, off) =>
      requireSwitches(source, off).replace(
        /return (_pairing\(.+\));/,
        (_, pairing: string) => `return ${pairing} || ${off("_verifyShplemini: pairing")};`,
      ),
    "honk/HonkField.sol": requireSwitches,
    "honk/HonkProof.sol": requireSwitches,
    "honk/HonkRelations.sol": requireSwitches,
    "honk/HonkTranscript.sol": requireSwitches,
  },
  FURTHER,
);
export const evm = new SwitchableEvm();
export const compiled = (name: string) => {
  const contract = solidity.contracts.get(name);
  if (contract === undefined) throw new Error(`there is no ${name}`);
  return contract;
};
export const maskOf = (checks: readonly string[]): bigint =>
  checks.reduce((mask, check) => {
    const bit = solidity.checks.indexOf(check);
    if (bit < 0) throw new Error(`no check is called ${check}`);
    return mask | (1n << BigInt(bit));
  }, 0n);
export const checksOf = (prefix: string): string[] =>
  solidity.checks.filter((check) => check.startsWith(prefix));

export const [COMMITMENT, OTHER_COMMITMENT] = [word(0xc0n), word(0xc1n)];
/** Models by id: published; under another's key; of another commitment; under a key without a commitment. */
export const MODELS = {
  published: [1n, COMMITMENT, OWN.verifyingKeyHash],
  otherKey: [2n, COMMITMENT, OTHER.verifyingKeyHash],
  otherCommitment: [3n, OTHER_COMMITMENT, OWN.verifyingKeyHash],
  withoutCommitment: [4n, word(0n), OWN.verifyingKeyHash],
} as const;
export const models = evm.deploy(compiled("Models"), [
  Object.values(MODELS).map(([id]) => id),
  Object.values(MODELS).map(([, commitment, hash]) => [commitment, hash]),
]);

export interface Claim {
  readonly escrow: string;
  readonly jobId: string;
  readonly requester: string;
  readonly provider: string;
  readonly modelId: bigint;
  readonly inputCommitment: bigint;
  readonly output: bigint;
  readonly outputHash: string;
  readonly deliveredAt: bigint;
}
export const account = (byte: string): string => `0x${byte.repeat(20)}`;
export const CLAIM: Claim = {
  escrow: account("e5"),
  jobId: word(0x0bn),
  requester: account("b2"),
  provider: account("a7"),
  modelId: 1n,
  inputCommitment: 22n,
  output: 33n,
  outputHash: word(0n),
  deliveredAt: 0n,
};

/** Of a contract's check: what is claimed and given instead, and which verifier is asked. */
export interface ContractAttack {
  readonly check: string;
  readonly attack: string;
  readonly claim?: Partial<Claim>;
  readonly evidence?: string;
  readonly verifier?: DeployedContract;
}

export function isFinal(
  verifier: DeployedContract,
  off: readonly string[],
  claim: Claim,
  evidence: string,
  chainId = 1n,
): boolean {
  const [verdict] = verifier.call({ off: maskOf(off), chainId }, "verify", [claim, evidence]) ?? [];
  return verdict !== undefined && (verdict as { outcome: bigint }).outcome === 2n;
}
