import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { R1csBuilder, signalTerm } from "@aios/core-zkml/r1cs-builder";
import { concat, getBytes, hexlify, keccak256 } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEVELOPMENT_TAU_G2 } from "../../src/parameters.js";
import { type Question, SwitchableGroth16 } from "../support/switchable-groth16.js";
import type { DeployedContract } from "../support/switchable-solidity.js";
import { encodeEvidence, FIELD_ORDER, pointOutsideSubgroup, SCALAR_ORDER } from "../support/toy-groth16.js";
import {
  ANOTHER_VERSION,
  account,
  CLAIM,
  type Claim,
  COMMITMENT,
  type ContractAttack,
  checksOf,
  compiled,
  evm,
  FACTS,
  type Fact,
  isFinal,
  MODELS,
  maskOf,
  models,
  OTHER,
  OWN,
  solidity,
} from "../support/verifier-contracts.js";
import { withWord, withWords, word, wordAt } from "../support/words.js";

/*
 * Every check of every verifier, with an attack that it is there against. In copies of the verifiers each check can be
 * switched off. Of each pair: with all checks the attack is refused; with all others off, this check alone refuses it;
 * with this one off too it passes, so that the test would fail without the check. Node and browsers run the same
 * modules, and the same contract in the same EVM.
 */

const INPUTS = [11n, 22n, 33n] as const;

describe("the verifier of Groth16 in Node and browsers", () => {
  const all = SwitchableGroth16.checks;
  let verifier: SwitchableGroth16;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "aios-verifier-checks-"));
    verifier = await SwitchableGroth16.load(directory);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const proof = OWN.prove(INPUTS);
  const good: Question = { evidence: encodeEvidence(OWN.verifyingKey, proof), inputs: INPUTS };
  const withProof = (other: string): Question => ({
    ...good,
    evidence: encodeEvidence(OWN.verifyingKey, other),
  });
  const outside = pointOutsideSubgroup().map((hex) => BigInt(hex));

  /** `kept`: checks that the attack would not even reach the end without. `behind`: what else would refuse it. */
  const ATTACKS: readonly {
    readonly check: string;
    readonly attack: string;
    readonly question: Question;
    readonly kept?: readonly string[];
    readonly behind?: "crashes";
  }[] = [
    {
      check: "evidence's length",
      attack: "a megabyte of zeros behind the evidence",
      question: { ...good, evidence: concat([good.evidence, new Uint8Array(2 ** 20)]) },
    },
    {
      check: "offsets in evidence",
      attack: "an offset behind the end",
      question: { ...good, evidence: withWord(good.evidence, 1, 1n << 31n) },
      behind: "crashes",
    },
    {
      check: "lengths in evidence",
      attack: "a length beyond the end",
      question: { ...good, evidence: withWord(good.evidence, 25, 1n << 30n) },
    },
    {
      check: "evidence's one form",
      attack: "a word behind the evidence: the same proof in another form",
      question: { ...good, evidence: concat([good.evidence, word(0n)]) },
    },
    {
      check: "coordinates in bytes",
      attack: "a coordinate plus the field's prime: the same point in another form",
      question: withProof(withWord(proof, 0, wordAt(proof, 0) + FIELD_ORDER)),
      behind: "crashes",
    },
    {
      check: "coordinates",
      attack: "the same, handed over as a number",
      question: withProof(withWord(proof, 0, wordAt(proof, 0) + FIELD_ORDER)),
      behind: "crashes",
    },
    {
      check: "the proof's length",
      attack: "a word behind the proof",
      question: withProof(concat([proof, word(0n)])),
    },
    {
      check: "the key's length",
      attack: "a word behind the key: the same key under another hash",
      question: { ...good, evidence: encodeEvidence(concat([OWN.verifyingKey, word(0n)]), proof) },
    },
    {
      check: "infinity",
      attack: "a proof whose A is the point at infinity",
      question: withProof(withWords(proof, { 0: 0n, 1: 0n })),
    },
    {
      check: "the curve",
      attack: "a proof whose C lies on no curve",
      question: withProof(withWord(proof, 7, wordAt(proof, 7) ^ 1n)),
    },
    {
      check: "twist and subgroup",
      attack: "a proof whose B lies on the twist, outside the group",
      question: withProof(withWords(proof, Object.fromEntries(outside.map((value, at) => [2 + at, value])))),
    },
    {
      check: "whose key is prepared",
      attack: "a proof by the key that was used last, under another one",
      question: { ...good, evidence: encodeEvidence(OTHER.verifyingKey, proof) },
      kept: ["the equation"],
    },
    {
      check: "the number of inputs",
      attack: "a proof about three values, whose last is zero, for two",
      question: { evidence: encodeEvidence(OWN.verifyingKey, OWN.prove([11n, 22n, 0n])), inputs: [11n, 22n] },
      kept: ["the equation"],
    },
    {
      check: "inputs in the field",
      attack: "a value plus the group's order: the same value in another form",
      question: { ...good, inputs: [11n, 22n, 33n + SCALAR_ORDER] },
      behind: "crashes",
    },
    {
      check: "the equation",
      attack: "a proof of other values",
      question: withProof(OWN.prove([11n, 22n, 34n])),
    },
  ];

  it("has an attack for each of its checks, and a switch for each place that refuses", () => {
    expect(ATTACKS.map(({ check }) => check).sort()).toEqual([...all].sort());
    // Two more are no refusals: whose key is prepared, and the equation.
    expect(verifier.refusals).toBe(all.length - 2);
    expect(verifier.answer([], good)).toBe("taken");
    expect(verifier.answer(all, good)).toBe("taken");
  });

  it.each(ATTACKS)("refuses by $check alone: $attack", ({ check, question, kept = [], behind = "taken" }) => {
    expect(verifier.answer([], question)).toBe("refused");
    const others = all.filter((each) => each !== check && !kept.includes(each));
    // Whose key was used last is part of the attack.
    expect(verifier.answer([], good)).toBe("taken");
    expect(verifier.answer(others, question)).toBe("refused");
    expect(verifier.answer([], good)).toBe("taken");
    expect(verifier.answer([...others, check], question)).toBe(behind);
  });
});

/** The same proof, or what it is about, written in another form: refused before anything is computed. */
const otherForms = (evidence: string): readonly ContractAttack[] => [
  {
    check: "evidence-malformed",
    attack: "the same proof with a byte behind it",
    evidence: concat([evidence, "0x00"]),
  },
  {
    check: "input-commitment-out-of-field",
    attack: "the same input in another form",
    claim: { inputCommitment: 22n + SCALAR_ORDER },
  },
  {
    check: "output-out-of-field",
    attack: "the same output in another form",
    claim: { output: 33n + SCALAR_ORDER },
  },
];

describe("Groth16ResultVerifier", () => {
  const verifier = evm.deploy(compiled("Groth16ResultVerifier"), [models.address]);
  const checks = checksOf("groth16 ");
  /** A proof of a claim, by a key that its prover knows the trapdoor of. */
  const proofOf = (
    { modelId: _, ...claim }: Claim,
    [modelId, commitment, hash]: (typeof MODELS)[keyof typeof MODELS] = MODELS.published,
    { key = OWN, off = [] as readonly string[], chainId = 1n } = {},
  ): string => {
    const world = { off: maskOf(off), chainId };
    const [context] = verifier.call(world, "contextOf", [{ ...claim, modelId }, commitment, hash]) ?? [];
    return key.prove([context as bigint, claim.inputCommitment, claim.output]);
  };
  const valid = proofOf(CLAIM);
  const evidence = encodeEvidence(OWN.verifyingKey, valid);
  const foreign = encodeEvidence(OTHER.verifyingKey, proofOf(CLAIM, MODELS.published, { key: OTHER }));
  const beyond = withWord(valid, 6, wordAt(valid, 6) + FIELD_ORDER);

  const ATTACKS: readonly ContractAttack[] = [
    ...otherForms(evidence),
    {
      check: "model-unknown",
      attack: "a proof for a model that nobody has committed to",
      claim: { modelId: 4n },
      evidence: encodeEvidence(OWN.verifyingKey, proofOf(CLAIM, MODELS.withoutCommitment)),
    },
    { check: "verifying-key-mismatch", attack: "a proof by a key that the attacker made", evidence: foreign },
    {
      check: "proof-out-of-field",
      attack: "the same proof in another form",
      evidence: encodeEvidence(OWN.verifyingKey, beyond),
    },
    {
      check: "proof-rejected",
      attack: "a proof of another output",
      evidence: encodeEvidence(OWN.verifyingKey, proofOf({ ...CLAIM, output: 34n })),
    },
  ];

  it("has an attack for each of its checks", () => {
    expect(ATTACKS.map(({ check }) => `groth16 ${check}`).sort()).toEqual([...checks].sort());
    expect(isFinal(verifier, [], CLAIM, evidence)).toBe(true);
  });

  it.each(ATTACKS)(
    "refuses by $check alone: $attack",
    ({ check, claim = {}, evidence: given = evidence }) => {
      const asked = { ...CLAIM, ...claim };
      const others = checks.filter((each) => each !== `groth16 ${check}`);
      expect(isFinal(verifier, [], asked, given)).toBe(false);
      expect(isFinal(verifier, others, asked, given)).toBe(false);
      expect(isFinal(verifier, checks, asked, given)).toBe(true);
    },
  );

  /** The proof is of the first claim, and is given for the second; all checks are on but those that `without` names. */
  const REPLAYS: readonly {
    readonly fact: Fact;
    readonly attack: string;
    readonly claim?: Partial<Claim>;
    readonly chainId?: bigint;
    readonly madeIn?: readonly string[];
    readonly without?: readonly string[];
  }[] = [
    { fact: "STATEMENT_VERSION", attack: "of another version of the statement", madeIn: [ANOTHER_VERSION] },
    { fact: "block.chainid", attack: "of the same job on another chain", chainId: 5n },
    { fact: "claim.escrow", attack: "of the same job in another escrow", claim: { escrow: account("e6") } },
    { fact: "claim.jobId", attack: "of another job", claim: { jobId: word(0x0cn) } },
    { fact: "claim.requester", attack: "of another requester's job", claim: { requester: account("b3") } },
    { fact: "modelCommitment", attack: "of another model under the same key", claim: { modelId: 3n } },
    {
      fact: "verifyingKeyHash",
      attack: "of the same model under another key",
      claim: { modelId: 2n },
      without: ["groth16 verifying-key-mismatch"],
    },
  ];

  it("has a replay for each fact of its statement", () => {
    expect(REPLAYS.map(({ fact }) => fact)).toEqual(Object.keys(FACTS));
  });

  it.each(REPLAYS)(
    "refuses, by $fact in the statement alone, a proof $attack",
    ({ fact, claim = {}, chainId = 1n, madeIn = [], without = [] }) => {
      const facts = Object.keys(FACTS);
      const asked = { ...CLAIM, ...claim };
      const isTaken = (off: readonly string[]): boolean => {
        const made = proofOf(CLAIM, MODELS.published, { off: [...off, ...madeIn], chainId });
        return isFinal(verifier, off, asked, encodeEvidence(OWN.verifyingKey, made));
      };
      expect(isTaken([])).toBe(false);
      expect(isTaken([...without, ...facts.filter((each) => each !== fact)])).toBe(false);
      expect(isTaken([...without, fact])).toBe(true);
    },
  );
});

describe("HonkResultVerifier", () => {
  const checks = checksOf("honk result ");
  const key = `0x${"07".repeat(1_888)}`;
  const published = evm.deploy(compiled("Models"), [
    [1n, 4n],
    [
      [COMMITMENT, keccak256(key)],
      [word(0n), keccak256(key)],
    ],
  ]);
  const under = (answer: bigint): DeployedContract =>
    evm.deploy(compiled("HonkResultVerifier"), [
      published.address,
      evm.deploy(compiled("FixedVerifier"), [answer]).address,
    ]);
  const [refusing, taking, reverting] = [under(0n), under(1n), under(2n)];
  const evidence = encodeEvidence(key, word(1n));

  const ATTACKS: readonly ContractAttack[] = [
    ...otherForms(evidence),
    {
      check: "model-unknown",
      attack: "a proof for a model that nobody has committed to",
      claim: { modelId: 4n },
    },
    {
      check: "verifying-key-mismatch",
      attack: "a proof by a key that the attacker made",
      evidence: encodeEvidence(`0x${"08".repeat(1_888)}`, word(1n)),
    },
    { check: "answer", attack: "what the proof's verifier does not take", verifier: refusing },
    { check: "refusal", attack: "what the proof's verifier refuses to look at", verifier: reverting },
  ];

  it("has an attack for each of its checks", () => {
    expect(ATTACKS.map(({ check }) => `honk result ${check}`).sort()).toEqual([...checks].sort());
    expect(isFinal(taking, [], CLAIM, evidence)).toBe(true);
  });

  it.each(ATTACKS)(
    "refuses by $check alone: $attack",
    ({ check, verifier = taking, claim = {}, evidence: given = evidence }) => {
      const asked = { ...CLAIM, ...claim };
      expect(isFinal(verifier, [], asked, given)).toBe(false);
      expect(
        isFinal(
          verifier,
          checks.filter((each) => each !== `honk result ${check}`),
          asked,
          given,
        ),
      ).toBe(false);
      expect(isFinal(verifier, checks, asked, given)).toBe(true);
    },
  );
});

describe("HonkVerifier, on chain, in Node and in browsers", () => {
  const verifier = evm.deploy(compiled("HonkVerifier"), [DEVELOPMENT_TAU_G2]);
  const checks = solidity.checks.filter((check) => check.includes(": "));
  const OUTPUT = 391n;
  const inputs = [11n, 22n, OUTPUT].map(word);
  let key: string;
  let proof: string;
  let logRows: number;
  let directory: string;

  beforeAll(async () => {
    const builder = new R1csBuilder();
    const [, , output] = ["context", "commitment", "output"].map((name) => builder.publicInput(name));
    const [left, right] = [builder.signal("left"), builder.signal("right")];
    builder.constrain("factors", signalTerm(left), signalTerm(right), signalTerm(output as number));
    directory = await mkdtemp(join(tmpdir(), "aios-verifier-checks-"));
    await using prover = new UltraHonkProver({
      directory,
      referenceString: async (rows) => developmentReferenceString(rows),
    });
    const program = await prover.prepare(builder.build());
    const made = await prover.verifyingKey(program);
    key = hexlify(made);
    logRows = Number(wordAt(key, 0));
    proof = hexlify(await prover.prove(program, made, [1n, 11n, 22n, OUTPUT, 17n, 23n]));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const isTaken = (
    off: readonly string[],
    given: Partial<{ key: string; inputs: string[]; proof: string }>,
  ): boolean => {
    const { key: ownKey, inputs: values, proof: ownProof } = { key, inputs, proof, ...given };
    return verifier.call({ off: maskOf(off) }, "verify", [ownKey, values, ownProof])?.[0] === true;
  };
  /** Words of a proof, in the order of `HonkProof.sol`. */
  const UNIVARIATES = 8 + 20 + 1;
  const evaluations = (): number => UNIVARIATES + 9 * logRows + 1;
  const lastWord = (): number => getBytes(proof).length / 32 - 1;
  const [Q_RANGE, W_L] = [22, 28];
  const plus = (at: number, value: bigint): string => withWord(proof, at, wordAt(proof, at) + value);

  const ATTACKS: readonly {
    readonly check: string;
    readonly attack: string;
    given(): Parameters<typeof isTaken>[1];
  }[] = [
    {
      check: "_checkKey: length",
      attack: "a key with a word behind it",
      given: () => ({ key: concat([key, word(0n)]) }),
    },
    {
      check: "_checkKey: circuit-size",
      attack: "a key for a circuit of two rows",
      given: () => ({ key: withWord(key, 0, 1n) }),
    },
    {
      check: "_checkKey: public-inputs",
      attack: "two of the three public values",
      given: () => ({ inputs: inputs.slice(0, 2) }),
    },
    {
      check: "_checkKey: not-arithmetic",
      attack: "a key whose public inputs lie elsewhere",
      given: () => ({ key: withWord(key, 2, 6n) }),
    },
    {
      check: "_assertZero: not-arithmetic",
      attack: "a key with gates whose identities nobody checks",
      given: () => ({ key: withWords(key, { [3 + 2 * Q_RANGE]: 1n, [4 + 2 * Q_RANGE]: 2n }) }),
    },
    {
      check: "generateEtaChallenge: scalar-out-of-field",
      attack: "the same public value in another form, in the transcript",
      given: () => ({ inputs: inputs.with(2, word(OUTPUT + SCALAR_ORDER)) }),
    },
    {
      check: "fromBytes32: scalar-out-of-field",
      attack: "the same, in the permutation argument",
      given: () => ({ inputs: inputs.with(2, word(OUTPUT + SCALAR_ORDER)) }),
    },
    {
      check: "from: scalar-out-of-field",
      attack: "a number of the proof in another form",
      given: () => ({ proof: plus(lastWord() - 4, SCALAR_ORDER) }),
    },
    {
      check: "read: length",
      attack: "a proof with a word behind it",
      given: () => ({ proof: concat([proof, word(0n)]) }),
    },
    {
      check: "read: recursion",
      attack: "a proof that speaks of another one",
      given: () => ({ proof: withWord(proof, 0, 1n) }),
    },
    {
      check: "_point: coordinate-out-of-field",
      attack: "a point in another form",
      given: () => ({ proof: plus(lastWord() - 1, FIELD_ORDER) }),
    },
    {
      check: "_assertArithmeticOnly: selector-not-zero",
      attack: "the claim that such gates are there",
      given: () => ({ proof: withWord(proof, evaluations() + Q_RANGE, 1n) }),
    },
    {
      check: "_verifySumcheck: sumcheck",
      attack: "a round that does not add up",
      given: () => ({ proof: plus(UNIVARIATES, 1n) }),
    },
    {
      check: "verify: sumcheck",
      attack: "another value of a wire",
      given: () => ({ proof: plus(evaluations() + W_L, 1n) }),
    },
    {
      check: "_verifyShplemini: consistency",
      attack: "masks that are not those of the sumcheck",
      given: () => ({ proof: plus(lastWord() - 7, 1n) }),
    },
    {
      check: "_batchMul: precompile",
      attack: "a commitment that lies on no curve",
      given: () => ({ proof: withWords(proof, { [lastWord() - 3]: 5n, [lastWord() - 2]: 5n }) }),
    },
    {
      check: "_verifyShplemini: pairing",
      attack: "another opening",
      given: () => ({ proof: withWords(proof, { [lastWord() - 1]: 1n, [lastWord()]: 2n }) }),
    },
  ];
  /** What only a challenge could set off, which nobody chooses: a hash of everything before it. */
  const UNREACHABLE = [
    "invert: invert-of-zero",
    "_modexp: precompile",
    "_isConsistent: challenge-in-subgroup",
  ];

  it("has an attack for each of its checks that one can reach", () => {
    expect([...ATTACKS.map(({ check }) => check), ...UNREACHABLE].sort()).toEqual([...checks].sort());
    expect(isTaken([], {})).toBe(true);
  });

  it.each(ATTACKS)("refuses by $check alone: $attack", ({ check, given }) => {
    const others = checks.filter((each) => each !== check);
    expect(isTaken([], given())).toBe(false);
    expect(isTaken(others, given())).toBe(false);
    expect(isTaken(checks, given())).toBe(true);
  });
});
