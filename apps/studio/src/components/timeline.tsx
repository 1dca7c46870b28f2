import type { Job } from "@aios/sdk/api-types";
import { seconds, sentenceCase, shortenHexIn } from "../lib/format.js";
import { Hash } from "./hash.js";

const EXPECTED = ["prepared", "funded", "matched", "leased", "computed", "delivered", "proven", "settled"];

/** Each step of the job as it happens: time since the order, transaction, gas. */
export function Timeline({
  job,
  onOpenTransaction,
}: {
  readonly job: Job | undefined;
  readonly onOpenTransaction: (hash: string) => void;
}) {
  const steps = [...(job?.steps ?? [])].sort((a, b) => a.atMs - b.atMs);
  const start = steps[0]?.atMs ?? job?.createdAtMs ?? 0;
  const names = new Set(steps.map((step) => step.name));
  const reached = EXPECTED.findLast((name) => names.has(name));
  const ahead = reached === undefined ? EXPECTED : EXPECTED.slice(EXPECTED.indexOf(reached) + 1);
  const progress = job?.progress ?? undefined;
  // What the prover reports is about the proof, which may still have a delivery before it.
  const current = progress?.stage.startsWith("proof-") && ahead.includes("proven") ? "proven" : ahead[0];
  const ended = job !== undefined && ["settled", "refunded", "failed"].includes(job.state);
  return (
    <ol className="timeline" aria-label="Steps of the job" aria-live="polite">
      {steps.map((step) => (
        <li key={`${step.name}-${step.atMs}`} className="done">
          <div className="step-head">
            <strong>{sentenceCase(step.name)}</strong>
            <span className="muted">+{seconds(step.atMs - start)}</span>
          </div>
          {step.note === "" ? null : (
            <div className="muted small" title={step.note}>
              {shortenHexIn(step.note)}
            </div>
          )}
          {step.transactionHash === null ? null : (
            <div className="small">
              <Hash value={step.transactionHash} label="Transaction" onOpen={onOpenTransaction} />
              {step.gasUsed === null ? null : (
                <span className="muted"> · {step.gasUsed.toLocaleString("en")} gas</span>
              )}
            </div>
          )}
        </li>
      ))}
      {ended
        ? null
        : ahead.map((name) => (
            <li key={name} className={name === current && job !== undefined ? "current" : "ahead"}>
              <div className="step-head">
                <span>{sentenceCase(name)}</span>
                {name === current && progress !== undefined ? (
                  <span className="muted">{progress.message}</span>
                ) : null}
              </div>
              {name === current && progress !== undefined && progress.percent > 0 ? (
                <progress
                  max={100}
                  value={progress.percent}
                  aria-label={`${sentenceCase(name)}, percent done`}
                />
              ) : null}
            </li>
          ))}
    </ol>
  );
}
