import type { VerificationCheck } from "@aios/sdk/verification/verification-report";
import { sentenceCase, shortHex } from "../lib/format.js";

/** What was checked, each with how and what it looked at. */
export function CheckList({ checks }: { readonly checks: readonly VerificationCheck[] }) {
  return (
    <ul className="checks">
      {checks.map((check) => (
        <li key={check.name} className={check.ok === undefined ? "open" : check.ok ? "good" : "bad"}>
          <details>
            <summary>
              <span className="mark" aria-hidden="true">
                {check.ok === undefined ? "–" : check.ok ? "✓" : "✗"}
              </span>
              <span>
                <strong>{sentenceCase(check.name)}</strong>
                <span className="visually-hidden">
                  {check.ok === undefined ? " not checked here" : check.ok ? " holds" : " does not hold"}
                </span>
                <span className="muted small how">{check.how}</span>
              </span>
            </summary>
            <dl>
              {Object.entries(check.evidence).map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd title={value}>{value.length > 80 ? shortHex(value) : value}</dd>
                </div>
              ))}
            </dl>
          </details>
        </li>
      ))}
    </ul>
  );
}

/** What is left to trust, in sentences. */
export function TrustedList({ trusted }: { readonly trusted: readonly string[] }) {
  return (
    <div className="trusted">
      <h3>What you still trust</h3>
      <ul>
        {trusted.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}
