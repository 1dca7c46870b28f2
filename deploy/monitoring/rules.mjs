// Prometheus rules out of the objectives and causes.
import { BURN_RATES, CAUSES, OBJECTIVES } from "./alerts.mjs";

const RUNBOOKS = "docs/operators/runbooks.md";
const WINDOWS = [...new Set(BURN_RATES.flatMap(({ long, short }) => [short, long]))];

/** Name of the recorded share of bad events over a window. */
export const errorRatio = (window) => `slo:error_ratio:rate${window}`;

export function ruleGroups() {
  return {
    groups: [
      { name: "aios-objectives", interval: "30s", rules: OBJECTIVES.flatMap(recordings) },
      { name: "aios-burn-rates", rules: OBJECTIVES.flatMap(burnAlerts) },
      { name: "aios-causes", rules: CAUSES.map(causeAlert) },
    ],
  };
}

/** By namespace, so that each release is held to its own. Without traffic nothing is recorded and nothing fires; with traffic and no good event at all, everything does. */
function recordings({ name, good, all }) {
  return WINDOWS.map((window) => ({
    record: errorRatio(window),
    expr: `1 - ((${rateOf(good, window)} or 0 * ${rateOf(all, window)}) / (${rateOf(all, window)} > 0))`,
    labels: { slo: name },
  }));
}

/** A selector of the objectives as PromQL: events a second over the window. */
function rateOf({ series, where }, window) {
  const conditions = where.map(({ label, operator, value }) => `${label}${operator}"${value}"`).join(",");
  return `sum by (namespace) (rate(${series}${conditions === "" ? "" : `{${conditions}}`}[${window}]))`;
}

function burnAlerts({ name, promise, objective }) {
  return BURN_RATES.map(({ severity, factor, long, short, for: pending }) => {
    const limit = Number((factor * (1 - objective)).toPrecision(6));
    return {
      alert: burnAlertName(name, long),
      expr: [long, short].map((window) => `${errorRatio(window)}{slo="${name}"} > ${limit}`).join(" and "),
      for: pending,
      labels: { severity, slo: name },
      annotations: {
        summary: `Too few ${promise}: at this rate a month's budget is gone in ${Math.round(30 / factor)} days.`,
        runbook: `${RUNBOOKS}#${anchorOf(name)}`,
      },
    };
  });
}

export function burnAlertName(objective, window) {
  const words = objective.split("-").map((word) => `${word[0].toUpperCase()}${word.slice(1)}`);
  return `Aios${words.join("")}Burns${window}`;
}

function causeAlert({ alert, expr, for: pending, severity, summary }) {
  return {
    alert,
    expr,
    for: pending,
    labels: { severity },
    annotations: { summary, runbook: `${RUNBOOKS}#${anchorOf(alert)}` },
  };
}

export function anchorOf(heading) {
  return heading.toLowerCase();
}

/** The page that every alert points to. */
export function runbookPage() {
  const sections = [
    ...OBJECTIVES.map(({ name, promise, objective, runbook }) =>
      section(
        name,
        `Objective: ${objective * 100}% of ${promise}, over 30 days. Alerts: ${BURN_RATES.map(({ long }) => burnAlertName(name, long)).join(", ")}.`,
        runbook,
      ),
    ),
    ...CAUSES.map(({ alert, summary, runbook }) => section(alert, summary, runbook)),
  ];
  return [
    "# Runbooks",
    "",
    "Written by `deploy/monitoring/generate.mjs`: one section per alert, named in its `runbook` annotation.",
    "A page wants somebody now; a ticket wants somebody this week.",
    "",
    sections.join("\n"),
  ].join("\n");
}

function section(heading, first, { means, look, act }) {
  const items = (lines) => lines.map((line) => `- ${line}`).join("\n");
  return `## ${heading}\n\n${first}\n\n${means}\n\nLook at:\n\n${items(look)}\n\nDo:\n\n${items(act)}\n`;
}
