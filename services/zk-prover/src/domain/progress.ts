/** How far a piece of work is, for people. */
export interface Progress {
  /** Stable, kebab-case. */
  readonly stage: string;
  /** 0 to 100. */
  readonly percent: number;
  /** One sentence. */
  readonly message: string;
  readonly figures: Readonly<Record<string, string>>;
}
