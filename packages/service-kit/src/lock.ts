/** The exclusive right to act under a name until it expires. */
export interface Lease {
  readonly name: string;
  /** Greater than that of every earlier lease of this name. Give it to what is protected, which refuses older ones. */
  readonly fencingToken: bigint;
  /** Extends the lease from now; answers false when it was lost. */
  renew(ttlMs: number): Promise<boolean>;
  /** Ends the lease early; harmless when it was lost. */
  release(): Promise<void>;
}

/** Mutual exclusion over processes. A holder that stops is overtaken when its lease ends: fencing tokens make that safe. */
export interface LockManager {
  /** One try; `undefined` while someone else holds it. */
  tryAcquire(name: string, ttlMs: number): Promise<Lease | undefined>;
}
