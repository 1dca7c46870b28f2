import { CodedError } from "@aios/kernel/coded-error";

/** What a network is expected to do: its blocks a second and the delay within which a block reaches everybody. */
export interface NetworkAssumption {
  readonly blocksPerSecond: number;
  /** Upper bound of the time from making a block to its arrival at every honest node. */
  readonly maxDelayMs: number;
  /** δ of the paper: the largest accepted probability that an honest block has more than k blocks in its anticone. */
  readonly maxExcessProbability: number;
}

const LARGEST_K = 10_000;

/**
 * The probability that more than `k` blocks are made in the anticone of an honest block: the tail of a Poisson
 * distribution with mean 2·D·λ (PHANTOM, eprint 2018/104, section 4.2, equation 1).
 */
export function anticoneExcessProbability(k: number, blocksPerSecond: number, maxDelayMs: number): number {
  const mean = (2 * maxDelayMs * blocksPerSecond) / 1000;
  let term = Math.exp(-mean);
  let atMostK = term;
  for (let j = 1; j <= k; j++) {
    term *= mean / j;
    atMostK += term;
  }
  return Math.max(0, 1 - atMostK);
}

/** The paper's k(D, δ): the smallest k whose excess probability is below δ. Throws `unsafe-ghostdag-parameters`. */
export function smallestSafeK(network: NetworkAssumption): number {
  requireAssumption(network);
  for (let k = 0; k <= LARGEST_K; k++) {
    const excess = anticoneExcessProbability(k, network.blocksPerSecond, network.maxDelayMs);
    if (excess < network.maxExcessProbability) return k;
  }
  throw unsafe("maxDelayMs", `No k up to ${LARGEST_K} is safe for this delay and rate.`, { ...network });
}

/**
 * Refuses a k that is too small for the rate and delay. Throws `unsafe-ghostdag-parameters` naming the smallest
 * safe k.
 */
export function requireSafeK(k: number, network: NetworkAssumption): void {
  if (!Number.isSafeInteger(k) || k < 0 || k > LARGEST_K)
    throw unsafe("k", "k is a whole number from 0.", { k });
  requireAssumption(network);
  const excessProbability = anticoneExcessProbability(k, network.blocksPerSecond, network.maxDelayMs);
  if (excessProbability < network.maxExcessProbability) return;
  throw unsafe(
    "k",
    "More than k blocks would too often be made at the same time: raise k or lower the rate.",
    {
      k,
      ...network,
      excessProbability,
      smallestSafeK: smallestSafeK(network),
    },
  );
}

function requireAssumption(network: NetworkAssumption): void {
  const positive = ["blocksPerSecond", "maxDelayMs", "maxExcessProbability"] as const;
  for (const field of positive)
    if (!Number.isFinite(network[field]) || network[field] <= 0)
      throw unsafe(field, `${field} is a positive number.`, { [field]: network[field] });
  // Beyond this mean the first term underflows; no network with such a delay could run anyway.
  if ((2 * network.maxDelayMs * network.blocksPerSecond) / 1000 > 700)
    throw unsafe("maxDelayMs", "The delay is too long for this rate of blocks.", { ...network });
}

function unsafe(field: string, message: string, details: Record<string, unknown>): CodedError {
  return new CodedError({ code: "unsafe-ghostdag-parameters", kind: "invalid", message, field, details });
}
