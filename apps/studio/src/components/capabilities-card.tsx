import type { ModelCapability } from "@aios/sdk/api-types";
import { useCallback } from "react";
import { shortenHexIn } from "../lib/format.js";
import { visitor } from "../lib/platform.js";
import { usePolled } from "../lib/use-polled.js";
import { Notice } from "./notice.js";

const STATES: Readonly<Record<ModelCapability["state"], string>> = {
  "waiting-for-draw": "waiting for its samples",
  "given-up": "given up",
  open: "being answered",
  proven: "proven",
  "not-reached": "not reached",
};

/** What was proven on chain of what the model can do, and what that leaves to trust. */
export function CapabilitiesCard({ modelId }: { readonly modelId: number }) {
  const read = useCallback(() => visitor.models.capabilities(modelId), [modelId]);
  const capabilities = usePolled(read, 15_000);
  return (
    <section className="card" aria-labelledby="capabilities-title">
      <h2 id="capabilities-title">What model {modelId} can do</h2>
      {capabilities.value === undefined ? (
        capabilities.error === undefined ? (
          <Notice kind="loading">Asking the chain…</Notice>
        ) : (
          <Notice kind="error">{capabilities.error}</Notice>
        )
      ) : capabilities.value.length === 0 ? (
        <Notice kind="empty">
          Nothing is proven. Its owner can prove on a test set of yours what share it gets right: “aios
          capability”.
        </Notice>
      ) : (
        <ul className="rows">
          {capabilities.value.map((capability) => (
            <li key={capability.claimId}>
              <div className="row-head">
                <strong>
                  {capability.state === "proven"
                    ? `At least ${(capability.accuracyAtLeastBps / 100).toFixed(2)}% right`
                    : `${capability.minimumCorrect} of ${capability.drawCount} claimed`}
                </strong>
                <span className="muted small">
                  claim {capability.claimId}, {STATES[capability.state]}
                </span>
              </div>
              {capability.says.map((sentence) => (
                <div key={sentence} className="small">
                  {shortenHexIn(sentence)}
                </div>
              ))}
              <div className="muted small">To trust: {capability.trusted.map(shortenHexIn).join(" ")}</div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
