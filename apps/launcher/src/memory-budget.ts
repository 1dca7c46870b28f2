/** What one process may take, in MiB. */
export interface MemoryBudget {
  /** V8's limit of the heap, with which it is started; everything else it holds comes on top. */
  readonly heapMiB: number;
  /** Resident, shared pages counted once over all (PSS), also after load; for Postgres with all its workers. */
  readonly residentMiB: number;
}

/** All processes of a local platform together, its honor nodes included. */
export const PLATFORM_RESIDENT_MIB = 2_560;

const BUDGETS: Readonly<Record<string, MemoryBudget>> = {
  postgres: { heapMiB: 64, residentMiB: 260 },
  consensus: { heapMiB: 256, residentMiB: 230 },
  storage: { heapMiB: 192, residentMiB: 200 },
  compute: { heapMiB: 160, residentMiB: 210 },
  "zk-prover": { heapMiB: 384, residentMiB: 320 },
  marketplace: { heapMiB: 128, residentMiB: 140 },
  economy: { heapMiB: 160, residentMiB: 190 },
  scoring: { heapMiB: 128, residentMiB: 150 },
  gateway: { heapMiB: 160, residentMiB: 190 },
  provider: { heapMiB: 192, residentMiB: 110 },
  honor: { heapMiB: 192, residentMiB: 150 },
};

/** Of a process by its name in the platform: `compute`, `provider-1`, `honor-2`. Throws `RangeError` for others. */
export function memoryBudgetOf(name: string): MemoryBudget {
  const budget = BUDGETS[name.replace(/^(provider|honor)-\d+$/, "$1")];
  if (budget === undefined) throw new RangeError(`no memory budget for ${name}`);
  return budget;
}
