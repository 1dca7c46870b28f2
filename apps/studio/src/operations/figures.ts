import type { OperatedService, Operations, ServiceLevelObjective } from "@aios/sdk/operations-types";

/** "3 d 4 h", "12 min", "8 s". */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

/** "180 µs", "12 ms", "3.40 s". */
export function span(microseconds: number): string {
  if (microseconds < 1_000) return `${Math.round(microseconds)} µs`;
  if (microseconds < 10_000) return `${(microseconds / 1_000).toFixed(1)} ms`;
  if (microseconds < 1_000_000) return `${Math.round(microseconds / 1_000)} ms`;
  return `${(microseconds / 1_000_000).toFixed(2)} s`;
}

export function bytes(count: number): string {
  const mebibytes = count / 1024 ** 2;
  return mebibytes < 1_024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1_024).toFixed(1)} GiB`;
}

export function whole(value: number | null): string {
  return value === null ? "–" : Math.round(value).toLocaleString("en");
}

/** 0.9993 → "99.93%": as many decimals as the difference to 1 needs. */
export function share(ratio: number): string {
  if (ratio === 1) return "100%";
  const decimals = ratio > 0.999 ? 3 : ratio > 0.9 ? 2 : 1;
  return `${(Math.floor(ratio * 100 * 10 ** decimals) / 10 ** decimals).toFixed(decimals)}%`;
}

/** "≤ 25 ms": quantiles of histograms are the bounds of their buckets. */
export function atMost(milliseconds: number | null, handled: number): string {
  if (handled === 0) return "–";
  return milliseconds === null
    ? "> 30 s"
    : `≤ ${milliseconds < 1_000 ? `${milliseconds} ms` : `${milliseconds / 1_000} s`}`;
}

/** What is wrong with a service, in one line; undefined for nothing. */
export function trouble(service: OperatedService, version: string | null): string | undefined {
  if (service.problem !== null) return service.problem;
  const { schema, deadLetters } = service;
  if (schema !== null && schema.changed.length > 0)
    return `migration ${schema.changed[0]} was changed after it was applied`;
  if (schema !== null && schema.missing.length > 0)
    return `${schema.missing.length} migrations are not applied`;
  if (deadLetters !== null && deadLetters.events > 0)
    return `${deadLetters.events}${deadLetters.events === deadLetters.limit ? " or more" : ""} events could not be handled`;
  if (service.version !== null && version !== null && service.version !== version)
    return `runs ${service.version}, the gateway ${version}`;
  return undefined;
}

/** The share of good events over the longest window that has any. */
export function kept({ windows }: ServiceLevelObjective): number | null {
  const counted = windows.findLast(({ events }) => events > 0);
  return counted?.errorRatio == null ? null : 1 - counted.errorRatio;
}

/** The slowest topic of the last minutes. */
export function slowest(lags: Operations["lags"]): Operations["lags"][number] | undefined {
  const handled = lags.filter((lag) => lag.handled > 0);
  const bound = (lag: Operations["lags"][number]): number => lag.p95Ms ?? Number.POSITIVE_INFINITY;
  return handled.sort((a, b) => bound(b) - bound(a))[0];
}
