import { isIP } from "node:net";
import { connect } from "node:tls";
import type { OperatedService, Operations } from "@aios/sdk/operations-types";
import { systemClock } from "@aios/service-kit/system-clock";
import { type Finding, ok, problem, warning } from "./finding.js";

const RUNBOOKS = "docs/operators/runbooks.md";
const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
/** Tokens between services live a minute: beyond half of that, calls are refused. */
const CLOCK_PROBLEM_MS = 30_000;
const CLOCK_WARNING_MS = 2_000;
const MOST_BLOCKS_BEHIND = 50;
const LATE_EVENTS_MS = 5_000;
const OLD_OUTBOX_MS = 60_000;
const LEAST_FREE_BYTES = 2 * GIB;
const LEAST_FREE_SHARE = 0.05;
const RENEW_WITHIN_DAYS = 14;
const CONNECT_TIMEOUT_MS = 5_000;

/** What the services know of themselves, judged: each finding with its fix. Pure. */
export function operationsFindings(operations: Operations): readonly Finding[] {
  return [
    ...processFindings(operations.services, (name) => name),
    indexFinding(operations.chain),
    ...lagFindings(operations.lags),
    ...objectiveFindings(operations.objectives),
  ];
}

/** What processes say of themselves, judged; `serviceOf` gives the service whose process has a name. Pure. */
export function processFindings(
  processes: readonly OperatedService[],
  serviceOf: (name: string) => string,
): readonly Finding[] {
  return [
    ...processes.flatMap(readinessFindings),
    versionFinding(processes),
    clockFinding(processes),
    ...judged(
      processes,
      (one) => schemaFinding(one, serviceOf(one.name)),
      ok("schema", "every migration of each service is applied"),
    ),
    ...judged(processes, outboxFinding, ok("outbox", "no event waits to be sent for long")),
    ...judged(
      processes,
      (one) => deadLetterFinding(one, serviceOf(one.name)),
      ok("dead letters", "no service gave up on an event"),
    ),
    ...judged(
      processes,
      (one) => diskFinding(one, serviceOf(one.name)),
      ok("disks", "each service has room"),
    ),
    ...judged(processes, certificateFinding, certificatesAreFine(processes)),
  ];
}

/** Where a service answers and is ready, `backendFindings` has said so already. */
function readinessFindings({ name, state, problem: why, checks }: OperatedService): readonly Finding[] {
  if (state === "ready") return [];
  if (state === "silent")
    return [
      problem(
        name,
        `The gateway cannot reach it: ${why ?? "no answer"}`,
        `Kubernetes: kubectl get pods -l app.kubernetes.io/name=${name}, then kubectl logs. One machine: its log in .aios/data/logs.`,
      ),
    ];
  return checks
    .filter((check) => !check.ok)
    .map((check) =>
      problem(
        name,
        `It lacks ${check.name}: ${check.problem}`,
        "Mend what the check names; until then it refuses what needs that with 503, and goes on by itself.",
      ),
    );
}

function versionFinding(services: readonly OperatedService[]): Finding {
  const byVersion = new Map<string, string[]>();
  for (const { name, version } of services)
    if (version !== null) byVersion.set(version, [...(byVersion.get(version) ?? []), name]);
  if (byVersion.size <= 1) return ok("versions", `all services run ${[...byVersion.keys()][0] ?? "nothing"}`);
  const text = [...byVersion].map(([version, names]) => `${version}: ${names.join(", ")}`).join("; ");
  return warning(
    "versions",
    `Services run different versions (${text}).`,
    "During an upgrade that is as it should be, for one version apart; otherwise end it: helm upgrade with one global.image.tag, kubectl rollout status.",
  );
}

function clockFinding(services: readonly OperatedService[]): Finding {
  const offsets = services.map(({ name, clockOffsetMs }) => ({ name, offset: Math.abs(clockOffsetMs ?? 0) }));
  const worst = offsets.reduce((most, each) => (each.offset > most.offset ? each : most), {
    name: "",
    offset: 0,
  });
  if (worst.offset <= CLOCK_WARNING_MS)
    return ok("clocks", `services agree within ${Math.max(1, worst.offset)} ms`);
  const text = `The clock of ${worst.name} is ${(worst.offset / 1_000).toFixed(1)} s off the gateway's.`;
  const fix = "Run NTP on that node; tokens between services live one minute.";
  return worst.offset > CLOCK_PROBLEM_MS ? problem("clocks", text, fix) : warning("clocks", text, fix);
}

function schemaFinding({ name, schema }: OperatedService, service: string): Finding | undefined {
  if (schema === null) return undefined;
  const [changed] = schema.changed;
  if (changed !== undefined)
    return problem(
      "schema",
      `${name}: the migration ${changed} was changed after it was applied.`,
      "Run the version that applied it, or restore the database; a release never changes a migration.",
    );
  const [missing] = schema.missing;
  if (missing !== undefined)
    return problem(
      "schema",
      `${name}: ${schema.missing.length} of ${schema.expected} migrations are not applied, first ${missing}.`,
      `Run the service once with --migrate, as the chart's Job ${service}-migrate does.`,
    );
  if (schema.ahead.length === 0) return undefined;
  return warning(
    "schema",
    `${name}: its database has ${schema.ahead.length} migrations of a newer version.`,
    "Fine during an upgrade or after a rollback; otherwise upgrade this service.",
  );
}

function outboxFinding({ name, outbox }: OperatedService): Finding | undefined {
  if (outbox === null || outbox.oldestAgeMs <= OLD_OUTBOX_MS) return undefined;
  return problem(
    "outbox",
    `${name}: ${outbox.events} events wait to be sent, the oldest for ${Math.round(outbox.oldestAgeMs / 1_000)} s.`,
    `Mend the event bus; they are sent in order then (${RUNBOOKS}#aiosoutboxstuck).`,
  );
}

function deadLetterFinding({ name, deadLetters }: OperatedService, service: string): Finding | undefined {
  if (deadLetters === null || deadLetters.events === 0) return undefined;
  const count = deadLetters.events >= deadLetters.limit ? `${deadLetters.limit} or more` : deadLetters.events;
  return warning(
    "dead letters",
    `${name} gave up on ${count} events.`,
    `See why with 'aios events list --group ${service}', mend it, then 'aios events retry --all --group ${service}'.`,
  );
}

function diskFinding({ name, disk }: OperatedService, service: string): Finding | undefined {
  if (disk === null) return undefined;
  if (disk.freeBytes >= LEAST_FREE_BYTES && disk.freeBytes >= LEAST_FREE_SHARE * disk.totalBytes)
    return undefined;
  const text = `${name}: ${(disk.freeBytes / GIB).toFixed(1)} of ${(disk.totalBytes / GIB).toFixed(1)} GiB free at ${disk.directory}.`;
  const fix = `Enlarge the volume (${service}.persistence.size) or free space.`;
  return disk.freeBytes < LEAST_FREE_BYTES ? problem("disks", text, fix) : warning("disks", text, fix);
}

function certificateFinding({ name, certificate }: OperatedService): Finding | undefined {
  return certificate === null
    ? undefined
    : certificateAge(`${name}'s certificate`, certificate.notAfterMs, systemClock.now());
}

function certificatesAreFine(services: readonly OperatedService[]): Finding {
  const ends = services.flatMap(({ certificate }) => (certificate === null ? [] : [certificate.notAfterMs]));
  if (ends.length === 0) return ok("certificates", "the services speak without TLS of their own");
  const days = Math.floor((Math.min(...ends) - systemClock.now()) / DAY_MS);
  return ok("certificates", `of ${ends.length} services, the first ends in ${days} days`);
}

function indexFinding({ latestHeight, indexedHeight }: Operations["chain"]): Finding {
  if (latestHeight === null || indexedHeight === null)
    return warning("index", "The chain's head or the index is not known.", "Look at consensus and economy.");
  const behind = Math.max(0, latestHeight - indexedHeight);
  return behind > MOST_BLOCKS_BEHIND
    ? problem("index", `The index is ${behind} blocks behind.`, `See ${RUNBOOKS}#aiosindexlags.`)
    : ok("index", `${behind} blocks behind block ${latestHeight}`);
}

function lagFindings(lags: Operations["lags"]): readonly Finding[] {
  const late = lags.filter(
    ({ handled, p95Ms }) => handled > 0 && (p95Ms ?? Number.POSITIVE_INFINITY) > LATE_EVENTS_MS,
  );
  if (late.length === 0) return [ok("lag", "events are handled within five seconds")];
  return late.map(({ service, topic }) =>
    warning("lag", `${service} handles ${topic} late.`, `See ${RUNBOOKS}#event-delay.`),
  );
}

function objectiveFindings(objectives: Operations["objectives"]): readonly Finding[] {
  const burning = objectives.filter((objective) => objective.burning !== null);
  if (burning.length === 0) return [ok("objectives", `all ${objectives.length} are kept, as far as counted`)];
  return burning.map(({ name, promise, burning: rate }) => {
    const tell = rate?.severity === "page" ? problem : warning;
    return tell("objectives", `Too few ${promise}.`, `See ${RUNBOOKS}#${name}.`);
  });
}

function judged(
  services: readonly OperatedService[],
  judge: (service: OperatedService) => Finding | undefined,
  fine: Finding,
): readonly Finding[] {
  const found = services.map(judge).filter((finding) => finding !== undefined);
  return found.length === 0 ? [fine] : found;
}

/** A certificate by its end; undefined for one that has time. */
export function certificateAge(what: string, notAfterMs: number, nowMs: number): Finding | undefined {
  const days = Math.floor((notAfterMs - nowMs) / DAY_MS);
  const fix =
    "Renew it: cert-manager, the chart's issuer, or your authority. It is taken up without a restart.";
  if (notAfterMs <= nowMs) return problem("certificates", `${what} ended ${-days} days ago.`, fix);
  return days < RENEW_WITHIN_DAYS ? warning("certificates", `${what} ends in ${days} days.`, fix) : undefined;
}

/** The certificate that the gateway's address shows, trusted or not; undefined for a plain address. */
export async function addressCertificateFinding(url: string): Promise<Finding | undefined> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "https:") return undefined;
  const host = hostname.replace(/^\[|\]$/g, "");
  const shown = await shownCertificate(host, port === "" ? 443 : Number(port));
  if (typeof shown === "string")
    return problem("certificate", `${url}: ${shown}`, "Check the address and what answers at it.");
  const { notAfterMs, refusal } = shown;
  const age = certificateAge(`The certificate of ${hostname}`, notAfterMs, systemClock.now());
  if (age?.state === "problem") return age;
  if (refusal !== undefined)
    return problem(
      "certificate",
      `The certificate of ${hostname} is not trusted here: ${refusal}.`,
      "Use one for this name from an authority that clients trust; NODE_EXTRA_CA_CERTS names an own one.",
    );
  return (
    age ??
    ok("certificate", `of ${hostname}, ends in ${Math.floor((notAfterMs - systemClock.now()) / DAY_MS)} days`)
  );
}

function shownCertificate(
  host: string,
  port: number,
): Promise<{ readonly notAfterMs: number; readonly refusal: string | undefined } | string> {
  return new Promise((resolve) => {
    // Looked at, not trusted: nothing is sent over this connection.
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    socket.once("secureConnect", () => {
      const refusal: unknown = socket.authorizationError;
      const notAfterMs = Date.parse(socket.getPeerCertificate().valid_to);
      socket.destroy();
      resolve({ notAfterMs, refusal: refusal == null ? undefined : String(refusal) });
    });
    socket.once("timeout", () => {
      socket.destroy();
      resolve(`no answer within ${CONNECT_TIMEOUT_MS / 1_000} s`);
    });
    socket.once("error", (error) => resolve(error.message));
  });
}
