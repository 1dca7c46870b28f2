import type { InferenceResult } from "../lib/use-inference.js";

/** Share of each class, by softmax over the integer logits scaled to their own spread. */
function shares(logits: readonly number[]): readonly number[] {
  const top = Math.max(...logits);
  const spread = Math.max(1, top - Math.min(...logits));
  const weights = logits.map((logit) => Math.exp(((logit - top) / spread) * 8));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

export function ResultView({ result }: { readonly result: InferenceResult }) {
  const rows = shares(result.logits).map((part, digit) => ({ digit, part, score: result.logits[digit] }));
  return (
    <section className="result" aria-label="Result">
      <div className="verdict">
        <span className="digit">{result.prediction}</span>
        <p>The model reads a {result.prediction}.</p>
      </div>
      <table className="bars">
        <caption className="visually-hidden">Score of each digit</caption>
        <tbody>
          {rows.map(({ digit, part, score }) => (
            <tr key={digit} className={digit === result.prediction ? "winner" : ""}>
              <th scope="row">{digit}</th>
              <td className="bar">
                <span style={{ width: `${Math.max(1, part * 100)}%` }} />
              </td>
              <td className="score">{score}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted small">
        Numbers are the integer scores that the proof is about; bars show them relative to each other.
      </p>
    </section>
  );
}
