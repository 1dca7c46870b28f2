import type { Model, Verification } from "@aios/sdk/api-types";
import { useState } from "react";
import { aios } from "../lib/format.js";
import type { DemoBuyer } from "../lib/platform.js";
import { awaitsWord, type InferenceRun } from "../lib/use-inference.js";
import type { Polled } from "../lib/use-polled.js";
import { useQuotes } from "../lib/use-quotes.js";
import { DigitPad } from "./digit-pad.js";
import { Hash } from "./hash.js";
import { Notice } from "./notice.js";
import { ResultView } from "./result-view.js";
import { Timeline } from "./timeline.js";
import { VerificationChooser } from "./verification-chooser.js";
import { VerificationView } from "./verification-view.js";

/** A digit's pixels, one byte each: what the pad draws. */
const DIGIT_BYTES = 784;

/** Models that say what they take, and those from before, which take digits. */
function inputBytesOf(model: Model | undefined): number {
  return model?.inputShape?.reduce((product, length) => product * length, 1) ?? DIGIT_BYTES;
}

interface Props {
  /** Published models, newest first. */
  readonly models: Polled<readonly Model[]>;
  /** The one that is looked at. */
  readonly model: Model | undefined;
  readonly onChoose: (modelId: number) => void;
  readonly buyer: DemoBuyer | undefined;
  readonly buyerProblem: string | undefined;
  readonly run: InferenceRun;
  readonly onStart: (model: Model, input: Uint8Array, verification: Verification) => Promise<void>;
  readonly onAccept: () => Promise<void>;
  readonly onOpenTransaction: (hash: string) => void;
}

const BUTTON_TEXT: Readonly<Record<InferenceRun["phase"], string>> = {
  idle: "Run a proven inference",
  preparing: "Preparing…",
  signing: "Signing…",
  running: "Running…",
  ended: "Run again",
  failed: "Try again",
};

export function InferenceCard(props: Props) {
  const { models, model, buyer, buyerProblem, run, onChoose, onStart, onAccept, onOpenTransaction } = props;
  const [image, setImage] = useState<Uint8Array | undefined>(undefined);
  const [buying, setBuying] = useState<string | undefined>(undefined);
  const { quotes, refusals } = useQuotes(buyer?.client, model, inputBytesOf(model));
  const [verification, setVerification] = useState<Verification>("proof");
  const busy = run.phase === "preparing" || run.phase === "signing" || run.phase === "running";
  const needsLicence = run.phase === "failed" && run.error?.code.includes("licence") === true;
  const buy = async (): Promise<void> => {
    if (buyer === undefined || model?.modelId == null) return;
    setBuying("Buying the licence…");
    try {
      await buyer.client.models.purchaseLicence(model.modelId, BigInt(model.licencePriceWei));
      setBuying("The licence is yours. Run the inference.");
    } catch (error) {
      setBuying(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section className="card inference" aria-labelledby="inference-title">
      <h2 id="inference-title">Run a proven inference</h2>
      {buyer === undefined ? null : (
        <p className="demo-banner">
          <strong>Demo key.</strong> {buyer.info.warning} Account{" "}
          <Hash value={buyer.info.account} label="Account" />.
        </p>
      )}
      {buyerProblem === undefined ? null : <Notice kind="warning">{buyerProblem}</Notice>}
      <div className="inference-columns">
        <div className="pad-column">
          <DigitPad disabled={busy} onChange={setImage} />
          {models.value !== undefined && models.value.length > 1 ? (
            <label className="field">
              Model
              <select
                value={model?.modelId ?? ""}
                onChange={(event) => onChoose(Number(event.target.value))}
                disabled={busy}
              >
                {models.value.map((each) => (
                  <option key={each.draftId} value={each.modelId ?? ""}>
                    {each.name} (#{each.modelId})
                  </option>
                ))}
              </select>
            </label>
          ) : null}
          {model === undefined ? (
            models.loading ? (
              <Notice kind="loading">Looking for published models…</Notice>
            ) : models.error !== undefined ? (
              <Notice kind="error">{models.error}</Notice>
            ) : (
              <Notice kind="empty">
                No model is published yet. The main job publishes one in about two minutes; this page will
                notice.
              </Notice>
            )
          ) : (
            <p className="muted small">
              Model “{model.name}”, licence {aios(model.licencePriceWei)}, {aios(model.usageFeeWei)} a use,
              royalty {model.royaltyBps / 100}%. Its Groth16 key: {model.keyTrust ?? "unknown"}. Its UltraHonk
              key: {model.honkKeyTrust ?? model.honkRefusal?.message ?? "none"}.
            </p>
          )}
          {inputBytesOf(model) === DIGIT_BYTES ? null : (
            <Notice kind="warning">
              This model takes {model?.inputShape?.join(" × ")} bytes, no digit: order it by the API.
            </Notice>
          )}
          {quotes.length < 2 ? null : (
            <VerificationChooser
              quotes={quotes}
              refusals={refusals}
              chosen={verification}
              disabled={busy}
              onChoose={setVerification}
            />
          )}
          <button
            type="button"
            className="primary"
            disabled={
              busy ||
              buyer === undefined ||
              model === undefined ||
              image === undefined ||
              inputBytesOf(model) !== DIGIT_BYTES
            }
            onClick={() => {
              if (model !== undefined && image !== undefined) void onStart(model, image, verification);
            }}
          >
            {verification === "proof" || verification === "honk" || run.phase !== "idle"
              ? BUTTON_TEXT[run.phase]
              : "Run an inference"}
          </button>
          {run.error === undefined ? null : <Notice kind="error">{run.error.message}</Notice>}
          {needsLicence && model !== undefined ? (
            <button type="button" onClick={() => void buy()}>
              Buy a licence for {aios(model.licencePriceWei)}
            </button>
          ) : null}
          {buying === undefined ? null : <Notice kind="empty">{buying}</Notice>}
        </div>
        <div className="run-column">
          {run.job === undefined ? (
            <>
              <p className="muted">
                Your key signs an order and a permit, the escrow takes the price, a provider computes, a
                prover proves, and the chain pays only for a proof that holds. Each step appears here with its
                transaction.
              </p>
              <Timeline job={undefined} onOpenTransaction={onOpenTransaction} />
            </>
          ) : (
            <>
              <p className="small">
                Job <Hash value={run.job.jobId} label="Job" />{" "}
                <span className={`state ${run.job.state}`}>{run.job.state}</span>
              </p>
              <Timeline job={run.job} onOpenTransaction={onOpenTransaction} />
              {run.job.trust === null ? null : <p className="muted small">To trust: {run.job.trust}</p>}
              {awaitsWord(run.job) ? (
                <button type="button" onClick={() => void onAccept()}>
                  Accept the result
                </button>
              ) : null}
              {run.job.error === null ? null : <Notice kind="error">{run.job.error.message}</Notice>}
            </>
          )}
        </div>
        {run.result === undefined || buyer === undefined ? null : (
          <div className="result-column">
            <ResultView result={run.result} />
          </div>
        )}
      </div>
      {buyer !== undefined && run.job?.state === "settled" ? (
        <VerificationView key={run.job.jobId} client={buyer.client} run={run} />
      ) : null}
    </section>
  );
}
