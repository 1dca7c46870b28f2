import type { Operations } from "@aios/sdk/operations-types";
import { Notice } from "../components/notice.js";
import { atMost, whole } from "./figures.js";

/** What waits, and how late events are handled. */
export function QueuesCard({ operations }: { readonly operations: Operations }) {
  const { queues, lags } = operations;
  return (
    <section className="card" aria-labelledby="queues-title">
      <h2 id="queues-title">Queues and lag</h2>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">Waiting</th>
            <th scope="col">Service</th>
            <th scope="col" className="number">
              Now
            </th>
          </tr>
        </thead>
        <tbody>
          {queues.map(({ name, description, service, waiting }) => (
            <tr key={name}>
              <th scope="row">{description}</th>
              <td className="muted">{service}</td>
              <td className="number">{whole(waiting)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3 className="part">Events, last five minutes</h3>
      {lags.length === 0 ? (
        <Notice kind="empty">No event has been handled yet.</Notice>
      ) : (
        <table className="figures lags">
          <thead>
            <tr>
              <th scope="col">Topic, heard by</th>
              <th scope="col" className="number">
                Handled
              </th>
              <th scope="col" className="number">
                p50
              </th>
              <th scope="col" className="number">
                p95
              </th>
            </tr>
          </thead>
          <tbody>
            {lags.map(({ service, topic, handled, p50Ms, p95Ms }) => (
              <tr key={`${service} ${topic}`}>
                <th scope="row">
                  <span className="topic">{topic}</span> <span className="muted">{service}</span>
                </th>
                <td data-label="Handled" className="number">
                  {whole(handled)}
                </td>
                <td data-label="p50" className="number">
                  {atMost(p50Ms, handled)}
                </td>
                <td data-label="p95" className="number">
                  {atMost(p95Ms, handled)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
