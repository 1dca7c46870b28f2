/** A condition on one label. A pattern is anchored at both ends, as Prometheus anchors it. */
export interface LabelCondition {
  readonly label: string;
  readonly operator: "=" | "!~";
  readonly value: string;
}

/** Events that a counter counts: every series of this name whose labels meet the conditions. */
export interface EventSelector {
  readonly series: string;
  readonly where: readonly LabelCondition[];
}

/** A promise: this share of events is good, over 30 days. */
export interface Objective {
  readonly name: string;
  /** What a good event is, as a phrase: "answers within a second". */
  readonly promise: string;
  readonly objective: number;
  readonly good: EventSelector;
  readonly all: EventSelector;
}

/** Who is told when the budget burns so many times too fast, over a long and a short window at once. */
export interface BurnRate {
  readonly severity: "page" | "ticket";
  readonly factor: number;
  readonly long: Window;
  readonly short: Window;
  /** How long it must last before somebody is told. */
  readonly for: string;
}

export type Window = "5m" | "30m" | "1h" | "6h" | "3d";

export const WINDOW_MS: Readonly<Record<Window, number>> = {
  "5m": 300_000,
  "30m": 1_800_000,
  "1h": 3_600_000,
  "6h": 21_600_000,
  "3d": 259_200_000,
};

const answers = "aios_gateway_request_duration";
const jobsEnded = "aios_compute_jobs_ended_total";
const eventLag = "aios_events_lag";

export const OBJECTIVES: readonly Objective[] = [
  {
    name: "gateway-availability",
    promise: "answers of the gateway that are not its own failure",
    objective: 0.999,
    good: { series: `${answers}_count`, where: [{ label: "status", operator: "!~", value: "5.." }] },
    all: { series: `${answers}_count`, where: [] },
  },
  {
    name: "gateway-latency",
    promise: "answers of the gateway within a second",
    objective: 0.99,
    good: { series: `${answers}_bucket`, where: [{ label: "le", operator: "=", value: "1000" }] },
    all: { series: `${answers}_count`, where: [] },
  },
  {
    name: "job-success",
    promise: "jobs that end settled",
    objective: 0.99,
    good: { series: jobsEnded, where: [{ label: "state", operator: "=", value: "settled" }] },
    all: { series: jobsEnded, where: [] },
  },
  {
    name: "event-delay",
    promise: "events that are handled within five seconds",
    objective: 0.99,
    good: { series: `${eventLag}_bucket`, where: [{ label: "le", operator: "=", value: "5000" }] },
    all: { series: `${eventLag}_count`, where: [] },
  },
];

/** Burning 2% of a month's budget in an hour, 5% in six hours, 10% in three days (Google SRE workbook, chapter 5). */
export const BURN_RATES: readonly BurnRate[] = [
  { severity: "page", factor: 14.4, long: "1h", short: "5m", for: "2m" },
  { severity: "page", factor: 6, long: "6h", short: "30m", for: "15m" },
  { severity: "ticket", factor: 1, long: "3d", short: "6h", for: "1h" },
];

/** Whether the labels meet every condition. */
export function meets(labels: Readonly<Record<string, string>>, where: readonly LabelCondition[]): boolean {
  return where.every(({ label, operator, value }) => {
    const actual = labels[label] ?? "";
    return operator === "=" ? actual === value : !new RegExp(`^(?:${value})$`).test(actual);
  });
}
