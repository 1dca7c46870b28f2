import type { AiosClient } from "@aios/sdk/client";
import { fromHex } from "@aios/sdk/hex";
import {
  type VerificationCheck,
  type VerificationReport,
  verdictOf,
} from "@aios/sdk/verification/verification-report";
import { useState } from "react";
import type { InferenceRun } from "../lib/use-inference.js";
import { CheckList, TrustedList } from "./check-list.js";
import { Notice } from "./notice.js";

type Phase =
  | { readonly name: "idle" | "checking" }
  | { readonly name: "done"; readonly report: VerificationReport }
  | { readonly name: "failed"; readonly message: string };

/** Everything about the job, checked again here in the browser. */
export function VerificationView({
  client,
  run,
}: {
  readonly client: AiosClient;
  readonly run: InferenceRun;
}) {
  const [phase, setPhase] = useState<Phase>({ name: "idle" });
  const [checks, setChecks] = useState<readonly VerificationCheck[]>([]);
  const jobId = run.job?.jobId;
  if (jobId === undefined) return null;
  const verify = async (): Promise<void> => {
    setChecks([]);
    setPhase({ name: "checking" });
    try {
      // Its curves and contract interfaces are loaded when asked for, not with the page.
      const { verifyJob } = await import("@aios/sdk/verification/verify-job");
      const report = await verifyJob(client, jobId, {
        ...(run.input === undefined ? {} : { input: run.input }),
        ...(run.inputSalt === undefined ? {} : { inputSalt: fromHex(run.inputSalt) }),
        onCheck: (check) => setChecks((before) => [...before, check]),
      });
      setPhase({ name: "done", report });
    } catch (error) {
      setPhase({ name: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <section className="verification" aria-label="Verification">
      <button
        type="button"
        className="primary"
        disabled={phase.name === "checking"}
        onClick={() => void verify()}
      >
        {phase.name === "idle" ? "Verify in your browser" : "Verify again"}
      </button>
      {phase.name === "checking" ? (
        <Notice kind="loading">Checking signatures, proof, payments and receipts…</Notice>
      ) : null}
      {phase.name === "failed" ? <Notice kind="error">{phase.message}</Notice> : null}
      {phase.name === "done" ? (
        <p className={`verdict-line ${phase.report.ok ? "good" : "bad"}`} role="status">
          {verdictOf(phase.report)}
        </p>
      ) : null}
      <CheckList checks={checks} />
      {phase.name === "done" ? <TrustedList trusted={phase.report.trusted} /> : null}
    </section>
  );
}
