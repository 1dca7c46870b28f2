import type { AiosClient } from "@aios/sdk/client";
import type { Operations } from "@aios/sdk/operations-types";
import { useCallback, useState } from "react";
import { Notice } from "../components/notice.js";
import { shortHex } from "../lib/format.js";
import { usePolled } from "../lib/use-polled.js";
import { age, span } from "./figures.js";
import { TraceWaterfall } from "./trace-waterfall.js";

const READ_EVERY_MS = 4_000;

/** The latest jobs, and the way of one of them through the services. */
export function JobsCard({
  jobs,
  client,
  nowMs,
}: {
  readonly jobs: Operations["jobs"];
  readonly client: AiosClient;
  readonly nowMs: number;
}) {
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const job = jobs.find(({ jobId }) => jobId === chosen) ?? jobs[0];
  return (
    <section className="card jobs" aria-labelledby="jobs-title">
      <h2 id="jobs-title">Jobs</h2>
      {job === undefined ? (
        <Notice kind="empty">No service remembers a job. Run one: its way appears here at once.</Notice>
      ) : (
        <>
          <ul className="job-list" aria-label="Latest jobs">
            {jobs.map(({ jobId, startedAtMs, lastEndedAtMs, failed }) => (
              <li key={jobId}>
                <button
                  type="button"
                  aria-pressed={jobId === job.jobId}
                  onClick={() => setChosen(jobId)}
                  title={jobId}
                >
                  <span className={`dot ${failed ? "degraded" : "ok"}`} aria-hidden="true" />
                  <code className="hash">{shortHex(jobId)}</code>
                  <span className="muted small">
                    {span((lastEndedAtMs - startedAtMs) * 1_000)} · {age(nowMs - startedAtMs)} ago
                    {failed ? " · with an error" : ""}
                  </span>
                </button>
              </li>
            ))}
          </ul>
          <JobTrace key={job.traceId} traceId={job.traceId} client={client} />
        </>
      )}
    </section>
  );
}

function JobTrace({ traceId, client }: { readonly traceId: string; readonly client: AiosClient }) {
  const read = useCallback(() => client.trace(traceId), [client, traceId]);
  const trace = usePolled(read, READ_EVERY_MS);
  if (trace.value === undefined)
    return trace.error === undefined ? (
      <Notice kind="loading">Asking every service for its part…</Notice>
    ) : (
      <Notice kind="error">{trace.error}</Notice>
    );
  return <TraceWaterfall trace={trace.value} />;
}
