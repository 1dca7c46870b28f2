/** What `in-pod/event-counts.ts` read from the whole event bus. */
export interface EventCounts {
  /** By topic: how many events it holds, and how many different ones these are. */
  readonly topics: Readonly<Record<string, { readonly events: number; readonly ids: number }>>;
  /** By group and topic: events that the group has not handled. */
  readonly waiting: readonly { readonly group: string; readonly topic: string; readonly events: number }[];
  /** By job: what was published of it, `<transaction>:<index of the log> seen|final`. */
  readonly jobChanges: Readonly<Record<string, readonly string[]>>;
}

/** By job: the escrow's events on chain that change its state, `<transaction>:<index of the log>`, in their order. */
export type ChainChanges = Readonly<Record<string, readonly string[]>>;

/** What is lost, doubled or left over, in a sentence each: events of the bus against the chain, and groups against the bus. */
export function eventProblems(counts: EventCounts, chain: ChainChanges): readonly string[] {
  return [
    ...Object.entries(counts.topics)
      .filter(([, { events, ids }]) => events !== ids)
      .map(([topic, { events, ids }]) => `${topic} holds ${events - ids} events twice`),
    ...counts.waiting
      .filter(({ events }) => events > 0)
      .map(({ group, topic, events }) => `${group} has not handled ${events} events of ${topic}`),
    ...Object.entries(chain).flatMap(([jobId, changes]) =>
      jobProblems(changes, counts.jobChanges[jobId] ?? []).map((problem) => `${jobId}: ${problem}`),
    ),
  ];
}

/** A change is told when it is seen, or as final where it is final then; a job's end is told as final in any case. */
function jobProblems(changes: readonly string[], published: readonly string[]): readonly string[] {
  const times = (what: string): number => published.filter((event) => event === what).length;
  const end = changes.at(-1);
  return [
    ...changes
      .filter((change) => times(`${change} seen`) + times(`${change} final`) === 0)
      .map((change) => `nothing was published of ${change}`),
    ...[...new Set(published)]
      .filter((event) => times(event) > 1)
      .map((event) => `published ${times(event)} times: ${event}`),
    ...(end !== undefined && times(`${end} final`) === 0 ? [`its end was not published as final`] : []),
    ...published
      .filter((event) => !changes.includes(event.replace(/ \w+$/, "")))
      .map((event) => `published, and not on chain: ${event}`),
  ];
}
