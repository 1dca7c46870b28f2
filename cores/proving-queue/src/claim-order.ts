/** What decides who is served first. */
export interface Waiting {
  readonly id: string;
  /** The model: work of one group is done one after another where that is fair. */
  readonly group: string;
  /** 0 to 9; higher is served first. */
  readonly priority: number;
  readonly deadlineMs: number | undefined;
  readonly requestedAtMs: number;
  /** How often its holder vanished, the present lease included when it ran out. */
  readonly abandonments: number;
}

export const MAX_PRIORITY = 9;
/** How long work waits at most for that of loaded groups, where nothing else is set. */
export const DEFAULT_PATIENCE_MS = 10_000;

/**
 * Total order in which work is taken: work that no holder vanished over, then higher priority, then what the worker has
 * loaded or what waited beyond patience, then the nearer deadline, the older request, the identifier.
 */
export function compareForClaim(
  a: Waiting,
  b: Waiting,
  {
    loaded,
    patienceMs,
    nowMs,
  }: { readonly loaded: ReadonlySet<string>; readonly patienceMs: number; readonly nowMs: number },
): number {
  const isFavoured = (work: Waiting): number =>
    loaded.has(work.group) || work.requestedAtMs <= nowMs - patienceMs ? 0 : 1;
  return (
    a.abandonments - b.abandonments ||
    b.priority - a.priority ||
    isFavoured(a) - isFavoured(b) ||
    deadlineOf(a) - deadlineOf(b) ||
    a.requestedAtMs - b.requestedAtMs ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** Later than any date, so that two without a deadline are equal. */
function deadlineOf({ deadlineMs }: Waiting): number {
  return deadlineMs ?? Number.MAX_SAFE_INTEGER;
}
