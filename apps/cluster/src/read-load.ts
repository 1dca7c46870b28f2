import { monotonicMs } from "@aios/service-kit/system-clock";
export interface ReadLoad {
  readonly url: string;
  /** Asked before each request: whether there shall be another one. */
  readonly goesOn: () => boolean;
  /** Readers, each with one request at a time. */
  readonly clients: number;
}

export interface ReadReport {
  readonly answered: number;
  /** Answers of 500 and above, and requests that got none. */
  readonly failed: number;
  /** Each different failure once, at most ten. */
  readonly failures: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const TIMEOUT_MS = 10_000;
const MOST_FAILURES_NAMED = 10;
/** Readers that are refused for their rate wait this long, as a well-behaved client does. */
const PAUSE_MS = 20;

/** Reads one URL again and again, and tells how it went. */
export async function readFor({ url, goesOn, clients }: ReadLoad): Promise<ReadReport> {
  const tookMs: number[] = [];
  const failures = new Map<string, number>();
  const reader = async (): Promise<void> => {
    while (goesOn()) {
      const startedAt = monotonicMs();
      const failure = await readOnce(url);
      if (failure === undefined) tookMs.push(monotonicMs() - startedAt);
      else failures.set(failure, (failures.get(failure) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  await Promise.all(Array.from({ length: clients }, reader));
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(tookMs[Math.floor(share * (tookMs.length - 1))] ?? 0);
  return {
    answered: tookMs.length,
    failed: [...failures.values()].reduce((sum, count) => sum + count, 0),
    failures: [...failures.keys()].slice(0, MOST_FAILURES_NAMED),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

async function readOnce(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return response.status < 500 ? undefined : `${response.status} ${text.slice(0, 200)}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? `${message}: ${cause.message}` : message;
  }
}
