import type { Verification, VerificationQuote, VerificationRefusal } from "@aios/sdk/api-types";
import { aios } from "../lib/format.js";

const NAMES: Readonly<Record<Verification, string>> = {
  none: "Not at all",
  sample: "By sample",
  replicate: "By two providers",
  proof: "By a Groth16 proof",
  honk: "By an UltraHonk proof",
};

/** How the result is to be checked: what each way costs, takes and leaves to trust, before anything is bought. */
export function VerificationChooser({
  quotes,
  refusals,
  chosen,
  disabled,
  onChoose,
}: {
  readonly quotes: readonly VerificationQuote[];
  readonly refusals: readonly VerificationRefusal[];
  readonly chosen: Verification;
  readonly disabled: boolean;
  readonly onChoose: (verification: Verification) => void;
}) {
  return (
    <fieldset className="rungs" disabled={disabled}>
      <legend>How the result is checked</legend>
      {quotes.map(({ verification, priceWei, expectedMs, verificationGas, absent, trust }) => (
        <label key={verification} className={verification === chosen ? "rung chosen" : "rung"}>
          <input
            type="radio"
            name="verification"
            value={verification}
            checked={verification === chosen}
            onChange={() => onChoose(verification)}
          />
          <span>
            <strong>{NAMES[verification]}</strong>{" "}
            <span className="muted">
              {aios(priceWei)}, about {(expectedMs / 1_000).toFixed(1)} s
              {verificationGas === null ? "" : `, ${(verificationGas / 1e6).toFixed(2)} M gas`}
            </span>
            <span className="muted small why-trust">To trust: {trust}</span>
            {absent.map(({ name, reason }) => (
              <span key={name} className="muted small why-trust">
                Not there: {name}: {reason}
              </span>
            ))}
          </span>
        </label>
      ))}
      {refusals.map(({ verification, message, fits }) => (
        <p key={verification} className="muted small">
          <strong>{NAMES[verification]}</strong>: not offered. {message}
          {fits === null ? "" : ` It fits: ${NAMES[fits].toLowerCase().replace("groth", "Groth")}.`}
        </p>
      ))}
    </fieldset>
  );
}
