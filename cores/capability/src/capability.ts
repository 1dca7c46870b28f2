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
    verifier: String(record.verifier),
    testSetRoot: String(record.testSetRoot),
    seed: NO_BYTES.test(seed) ? undefined : seed,
    answeredBits: BigInt(String(record.answeredBits)),
  };
}

/**
 * Which attempt on its test set the claim at `index` is, of a model's `claims`, oldest first. `skipped` older ones were not
 * read: they may be about the same set, and count as if they were.
 */
export function attemptOf(claims: readonly CapabilityClaim[], index: number, skipped: number): number {
  const root = claims[index]?.testSetRoot;
  return claims.slice(0, index + 1).filter(({ testSetRoot }) => testSetRoot === root).length + skipped;
}

/** Chance of error that is shown. */
const ERROR = 0.05;
/** Blocks in which a draw can be opened, as in `CapabilityClaims.sol`. */
const DRAW_BLOCKS = 256;

export type CapabilityState = "waiting-for-draw" | "given-up" | "open" | "proven" | "not-reached";

/** What a claim says, in words, and what has to be trusted. */
export interface Capability {
  readonly claim: CapabilityClaim;
  readonly state: CapabilityState;
  readonly drawer: string;
  readonly publisher: string;
  /** Which one it is of this model's claims on this test set. */
  readonly attempt: number;
  /** Accuracy on the committed set that the right answers speak for, with a chance of error of 5%, all attempts counted. */
  readonly accuracyAtLeast: number;
  readonly says: readonly string[];
  readonly trusted: readonly string[];
}

/** Pure. `head` is the newest block's number, `ceremony` whether the key was made by several. */
export function describeCapability(
  claim: CapabilityClaim,
  facts: {
    readonly drawer: string;
    readonly publisher: string;
    readonly attempt: number;
    readonly head: number;
    readonly ceremony: boolean;
  },
): Capability {
  const { drawer, publisher, attempt } = facts;
  const state = stateOf(claim, facts.head);
  // What was not answered counts as wrong.
  const accuracyAtLeast = provenAccuracy(claim.correct, claim.drawCount, ERROR / attempt);
  return {
    claim,
    state,
    drawer,
    publisher,
    attempt,
    accuracyAtLeast,
    says: sentences(claim, state, accuracyAtLeast, attempt),
    trusted: [
      `Who published the test set (${publisher === claim.owner ? "the model's owner itself" : publisher}): that its labels are right and that it stands for anything else.`,
      `That ${drawer}, who drew the samples, and the model's owner are two parties that did not work together.`,
      facts.ceremony
        ? "The parties of the ceremony that made the model's key: all of them together could forge."
        : "Whoever ran the development set-up of the model's key: it can forge.",
    ],
  };
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
  const counted = attempt > 1 ? `, counting that this is attempt ${attempt} on this set` : "";
  said.push(
    `Were the model's accuracy on the set below ${(accuracy * 100).toFixed(2)}%, so many would be right with a chance of ${ERROR * 100}% at most${counted}.`,
  );
  return said;
}
