import { provenAccuracy } from "./confidence.js";

/** A claim as the contract holds it. */
export interface CapabilityClaim {
  readonly claimId: bigint;
  readonly owner: string;
  readonly blockNumber: number;
  readonly testSetSize: number;
  readonly modelId: bigint;
  readonly drawId: bigint;
  readonly drawCount: number;
  readonly minimumCorrect: number;
  readonly answered: number;
  readonly correct: number;
  readonly classes: number;
  readonly verifier: string;
  /** Whose test set it is: who says what its labels mean, and how many classes there are. */
  readonly publisher: string;
  readonly testSetRoot: string;
  /** Undefined until the samples are drawn. */
  readonly seed: string | undefined;
  readonly answeredBits: bigint;
}

/** The fields of the contract's record, as any ABI library decodes them. */
export type ClaimRecord = Readonly<Record<keyof Omit<CapabilityClaim, "claimId">, unknown>>;

const NO_BYTES = /^0x0{64}$/;

/** The claim in what the contract's `claimOf` answers. */
export function claimFromRecord(claimId: bigint, record: ClaimRecord): CapabilityClaim {
  const seed = String(record.seed);
  return {
    claimId,
    owner: String(record.owner).toLowerCase(),
    blockNumber: Number(record.blockNumber),
    testSetSize: Number(record.testSetSize),
    modelId: BigInt(String(record.modelId)),
    drawId: BigInt(String(record.drawId)),
    drawCount: Number(record.drawCount),
    minimumCorrect: Number(record.minimumCorrect),
    answered: Number(record.answered),
    correct: Number(record.correct),
    classes: Number(record.classes),
    verifier: String(record.verifier).toLowerCase(),
    publisher: String(record.publisher).toLowerCase(),
    testSetRoot: String(record.testSetRoot),
    seed: NO_BYTES.test(seed) ? undefined : seed,
    answeredBits: BigInt(String(record.answeredBits)),
  };
}

/** Chance of error of all attempts of a model together. */
const ERROR = 0.05;

/**
 * Chance of error that attempt `attempt` (from 1) about a model may have: ERROR / (i·(i + 1)). However many attempts there
 * will be, whichever is looked at afterwards, the chance that any of them says too much stays below the sum, ERROR. Dividing
 * by the number of attempts so far would not do: the sum over 1 / i has no bound.
 */
export function errorOfAttempt(attempt: number): number {
  return ERROR / (attempt * (attempt + 1));
}

/** Under what a claim's proofs are checked, of the proof system that its verifier is of. */
export type ClaimKey =
  /** Whether several made the key; otherwise one party can forge. */
  | { readonly system: "groth16"; readonly ceremony: boolean }
  /** Who can forge under the verifier's reference string: "forgeable by …". */
  | { readonly system: "ultrahonk"; readonly trust: string };

/** Which attempt about the model the claim is: its place in the model's list, whatever test set it is about. */
export function attemptOf(index: number, skipped: number): number {
  return index + 1 + skipped;
}

/** Blocks in which a draw can be opened, as in `CapabilityClaims.sol`. */
const DRAW_BLOCKS = 256;

export type CapabilityState = "waiting-for-draw" | "given-up" | "open" | "proven" | "not-reached";

/** What a claim says, in words, and what has to be trusted. */
export interface Capability {
  readonly claim: CapabilityClaim;
  readonly state: CapabilityState;
  readonly drawer: string;
  /** Which one it is of this model's claims. */
  readonly attempt: number;
  /** Accuracy on the committed set that the right answers speak for, with the chance of error that its attempt may have. */
  readonly accuracyAtLeast: number;
  readonly says: readonly string[];
  readonly trusted: readonly string[];
}

/** Pure. `head` is the newest block's number, `key` that of the claim's own proof system. */
export function describeCapability(
  claim: CapabilityClaim,
  facts: {
    readonly drawer: string;
    readonly attempt: number;
    readonly head: number;
    readonly key: ClaimKey;
  },
): Capability {
  const { drawer, attempt } = facts;
  const { publisher } = claim;
  const state = stateOf(claim, facts.head);
  // What was not answered counts as wrong.
  const accuracyAtLeast = provenAccuracy(claim.correct, claim.drawCount, errorOfAttempt(attempt));
  return {
    claim,
    state,
    drawer,
    attempt,
    accuracyAtLeast,
    says: sentences(claim, state, accuracyAtLeast, attempt),
    trusted: [
      `Who published the test set (${publisher === claim.owner ? "the model's owner itself" : publisher}): that its labels are right, that they tell ${claim.classes} classes apart, and that it stands for anything else.`,
      `That ${drawer}, who drew the samples, and the model's owner are two parties that did not work together.`,
      keyTrust(facts.key),
      "That the owner did not try the same under another number: a model that is published anew begins with attempt 1.",
    ],
  };
}

function keyTrust(key: ClaimKey): string {
  if (key.system === "ultrahonk") return `The UltraHonk proofs' reference string: ${key.trust}.`;
  return key.ceremony
    ? "The parties of the ceremony that made the model's Groth16 key: all of them together could forge."
    : "Whoever ran the development set-up of the model's Groth16 key: it can forge.";
}

function stateOf(claim: CapabilityClaim, head: number): CapabilityState {
  if (claim.correct >= claim.minimumCorrect) return "proven";
  if (claim.seed === undefined)
    return head > claim.blockNumber + DRAW_BLOCKS ? "given-up" : "waiting-for-draw";
  return claim.answered === claim.drawCount ? "not-reached" : "open";
}

function sentences(
  claim: CapabilityClaim,
  state: CapabilityState,
  accuracy: number,
  attempt: number,
): string[] {
  const { correct, answered, drawCount, minimumCorrect, testSetSize } = claim;
  if (state === "waiting-for-draw") return ["The samples are not drawn yet."];
  if (state === "given-up") return ["The samples were never drawn: nothing was shown."];
  const said = [
    `${correct} of ${drawCount} samples, drawn at random from a committed set of ${testSetSize}, are right by proof; ${minimumCorrect} were claimed.`,
  ];
  if (answered < drawCount) said.push(`${drawCount - answered} are not answered and count as wrong.`);
  const chance = Number((errorOfAttempt(attempt) * 100).toPrecision(2));
  said.push(
    `Were the model's accuracy on the set below ${(accuracy * 100).toFixed(2)}%, so many would be right with a chance of ${chance}% at most. This is attempt ${attempt} about the model; that any of its attempts says too much has a chance of ${ERROR * 100}% at most, however many there will be.`,
  );
  return said;
}
