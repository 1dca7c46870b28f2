import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { MAX_OUTPUTS } from "@aios/core-zkml/model-limits";
import { CodedError } from "@aios/kernel/coded-error";
import { AbiCoder, concat, keccak256 } from "ethers";

/** A labelled input of a model, and the salt that hides it in its commitment. Secret until it is drawn, and after. */
export interface Sample {
  readonly input: Uint8Array;
  /** 32 random bytes. */
  readonly salt: Uint8Array;
  /** Index of the right output. */
  readonly label: number;
}

/** What a sample shows of itself when it is drawn. */
export interface CommittedSample {
  readonly index: number;
  readonly inputCommitment: bigint;
  readonly label: number;
}

/** A committed test set, as `CapabilityClaims` verifies it. */
export interface TestSet {
  /** 32 bytes, 0x hex. */
  readonly root: string;
  readonly size: number;
  /** Sibling hashes from the sample's leaf to the root. Throws `sample-not-in-test-set`. */
  pathOf(index: number): readonly string[];
  /** Throws `sample-not-in-test-set`. */
  committed(index: number): CommittedSample;
}

const MAX_SAMPLES = 1 << 20;

/** Hash of a sample's place, commitment and label; hashed twice, so an inner node never passes for one. */
export function sampleLeaf({ index, inputCommitment: commitment, label }: CommittedSample): string {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["uint256", "uint256", "uint8"],
    [index, commitment, label],
  );
  return keccak256(keccak256(encoded));
}

/**
 * Commits to samples: keccak256 of two children in ascending order, a child without a partner goes up as it is. Each leaf
 * holds its place, so that the drawn sample and no other answers. One Poseidon chain and two hashes a sample. Throws
 * `invalid-test-set`, and as `inputCommitment`.
 */
export function commitTestSet(samples: readonly Sample[]): TestSet {
  if (samples.length < 1 || samples.length > MAX_SAMPLES)
    throw invalidTestSet(`it has ${samples.length} samples, not 1 to ${MAX_SAMPLES}`);
  const committed = samples.map(({ input, salt, label }, index): CommittedSample => {
    if (!Number.isInteger(label) || label < 0 || label >= MAX_OUTPUTS)
      throw invalidTestSet(`sample ${index} has the label ${label}, not 0 to ${MAX_OUTPUTS - 1}`);
    return { index, inputCommitment: inputCommitment(input, salt), label };
  });
  const levels = [committed.map(sampleLeaf)];
  for (let level = levels[0] as string[]; level.length > 1; level = levels.at(-1) as string[])
    levels.push(parentsOf(level));
  const at = (index: number): CommittedSample => {
    const sample = committed[index];
    if (sample === undefined) throw notInTestSet(index);
    return sample;
  };
  return {
    root: levels.at(-1)?.[0] as string,
    size: samples.length,
    committed: at,
    pathOf(index) {
      const path: string[] = [];
      let place = at(index).index;
      for (const level of levels.slice(0, -1)) {
        const sibling = level[place ^ 1];
        if (sibling !== undefined) path.push(sibling);
        place >>= 1;
      }
      return path;
    },
  };
}

/** Whether the path leads from the sample to the root; what the contract computes. */
export function isInTestSet(root: string, sample: CommittedSample, path: readonly string[]): boolean {
  return path.reduce(hashPair, sampleLeaf(sample)) === root;
}

function parentsOf(level: readonly string[]): string[] {
  return Array.from({ length: Math.ceil(level.length / 2) }, (_, index) => {
    const [left, right] = [level[2 * index] as string, level[2 * index + 1]];
    return right === undefined ? left : hashPair(left, right);
  });
}

function hashPair(a: string, b: string): string {
  return keccak256(a < b ? concat([a, b]) : concat([b, a]));
}

function invalidTestSet(problem: string): CodedError {
  return new CodedError({
    code: "invalid-test-set",
    kind: "invalid",
    message: `This test set cannot be committed to: ${problem}.`,
  });
}

function notInTestSet(index: number): CodedError {
  return new CodedError({
    code: "sample-not-in-test-set",
    kind: "not-found",
    message: `The test set has no sample ${index}.`,
  });
}
