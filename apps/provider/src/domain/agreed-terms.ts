export type WorkKind = "training" | "inference";

/** What was signed for a lease: the one measure of its grant. */
export interface AgreedTerms {
  readonly kind: WorkKind;
  /** Decimal wei. */
  readonly priceWei: string;
  /** Until when the signature can bring the lease on chain. */
  readonly acceptByMs: number;
  readonly deliverByMs: number;
}
