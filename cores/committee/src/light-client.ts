import { type Certificate, verifyCertificate } from "@aios/core-finality/certificate";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import { CodedError } from "@aios/kernel/coded-error";
import { type ChainTimeParameters, startOfTickMs } from "./chain-time.js";
import { type HonorSet, honorKeysOf, honorSetId, requireHonorSet } from "./honor-set.js";

/** A checkpoint and the quorum's signature under it. */
export interface CertifiedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly certificate: Certificate;
}

/** A certified checkpoint that names another set for the next height, and that set. */
export interface HandOver extends CertifiedCheckpoint {
  readonly nextSet: HonorSet;
}

/** From where a light client starts: a set that it trusts, from genesis or from another source it has reason to believe. */
export interface TrustedSet {
  readonly set: HonorSet;
  /** First height that this set decides. */
  readonly fromHeight: number;
  /** Tick of the checkpoint that handed over to it; 0 for genesis. */
  readonly fromTick: number;
}

export interface LightClientSettings {
  readonly chainId: string;
  readonly time: ChainTimeParameters;
  readonly scheme: SignatureScheme;
  /**
   * A set last seen at work longer ago than this is not believed any more: its members may have taken their deposits back
   * and have nothing to lose (long-range attack). Less than the staking contract's unbonding delay.
   */
  readonly trustPeriodMs: number;
}

/**
 * Follows the honor set by hand-overs alone and checks certificates of any height that a followed set decided: what a
 * browser, the provider agent and `aios verify` do.
 *
 * It relies on 2f + 1 honest members of each set while the set sat, and on the clock that the caller passes in.
 * Memory: one entry for each set followed.
 */
export class LightClient {
  readonly #settings: LightClientSettings;
  readonly #sets: TrustedSet[];
  /** Latest tick at which the latest set is known to have been the honor set. */
  #seenTick: number;

  /** Throws `invalid-honor-set`. */
  constructor(settings: LightClientSettings, trusted: TrustedSet) {
    requireHonorSet(trusted.set);
    this.#settings = settings;
    this.#sets = [trusted];
    this.#seenTick = trusted.fromTick;
  }

  /** The latest set that it knows. */
  get latest(): TrustedSet {
    return this.#sets.at(-1) as TrustedSet;
  }

  /** The set that decides a height, as far as hand-overs are known. Throws `unknown-honor-set` for one before the first. */
  setOf(height: number): TrustedSet {
    const trusted = this.#sets.findLast(({ fromHeight }) => fromHeight <= height);
    if (trusted === undefined) throw unknownSet(height);
    return trusted;
  }

  /**
   * Takes the next hand-over in. Throws `invalid-hand-over` with the field, `trust-expired`, `invalid-honor-set` and
   * `invalid-certificate`; nothing changes then. Cost: one aggregate verification.
   */
  follow(handOver: HandOver, nowMs: number): void {
    const { checkpoint, nextSet } = handOver;
    const { set, fromTick, fromHeight } = this.latest;
    requireHonorSet(nextSet);
    if (checkpoint.height < fromHeight)
      throw invalid("checkpoint.height", "The set before decided this height.");
    if (checkpoint.tick < fromTick)
      throw invalid("checkpoint.tick", "It is older than the set that signs it.");
    if (nextSet.number !== set.number + 1) throw invalid("nextSet.number", "A hand-over between is missing.");
    if (honorSetId(nextSet) !== checkpoint.nextSetId)
      throw invalid("nextSet", "It is not the set that the checkpoint names.");
    this.#requireTrust(nowMs);
    this.#verify(set, handOver);
    this.#sets.push({ set: nextSet, fromHeight: checkpoint.height + 1, fromTick: checkpoint.tick });
    this.#seenTick = checkpoint.tick;
  }

  /**
   * Checks that a checkpoint was decided by the set of its height. Throws `unknown-honor-set` for a height before the
   * first trusted set, `trust-expired`, `invalid-certificate`, and `hand-over-needed` when the checkpoint names a set that is
   * not known: follow it first. A certificate of the latest set renews the trust in it. Cost: one aggregate verification.
   */
  verify(certified: CertifiedCheckpoint, nowMs: number): void {
    const { height, nextSetId, tick } = certified.checkpoint;
    const at = this.#sets.findLastIndex(({ fromHeight }) => fromHeight <= height);
    const trusted = this.#sets[at];
    if (trusted === undefined) throw unknownSet(height);
    if (at === this.#sets.length - 1) this.#requireTrust(nowMs);
    this.#verify(trusted.set, certified);
    const following = this.#sets[at + 1];
    const known = following === undefined ? [trusted.set] : [trusted.set, following.set];
    if (known.some((set) => honorSetId(set) === nextSetId)) {
      if (following === undefined) this.#seenTick = Math.max(this.#seenTick, tick);
      return;
    }
    throw new CodedError({
      code: "hand-over-needed",
      kind: "conflict",
      field: "nextSetId",
      message: "This checkpoint hands over to a set that has not been followed.",
      details: { height },
    });
  }

  #verify(set: HonorSet, { checkpoint, certificate }: CertifiedCheckpoint): void {
    if (certificate.height !== checkpoint.height || certificate.checkpointId !== checkpointId(checkpoint))
      throw new CodedError({
        code: "invalid-certificate",
        kind: "invalid",
        field: "checkpointId",
        message: "The certificate is for another checkpoint.",
      });
    verifyCertificate(this.#settings.scheme, honorKeysOf(this.#settings.chainId, set), certificate);
  }

  #requireTrust(nowMs: number): void {
    const { time, trustPeriodMs } = this.#settings;
    if (nowMs - startOfTickMs(time, this.#seenTick) <= trustPeriodMs) return;
    throw new CodedError({
      code: "trust-expired",
      kind: "gone",
      message: "The last set that is known may have left: start again from a recent set that you trust.",
      details: { setNumber: this.latest.set.number },
    });
  }
}

function unknownSet(height: number): CodedError {
  return new CodedError({
    code: "unknown-honor-set",
    kind: "not-found",
    field: "height",
    message: "The set of this height is older than the first one that is trusted.",
    details: { height },
  });
}

function invalid(field: string, message: string): CodedError {
  return new CodedError({ code: "invalid-hand-over", kind: "invalid", field, message });
}
