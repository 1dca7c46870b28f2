import type { ServiceLevelObjective } from "@aios/sdk/operations-types";
import { age, kept, share } from "./figures.js";

const FULL_SCALE = 14.4;

/** Each promise, and how many times too fast its error budget is used over each window. */
export function ObjectivesCard({
  objectives,
  watchedMs,
}: {
  readonly objectives: readonly ServiceLevelObjective[];
  readonly watchedMs: number;
}) {
  return (
    <section className="card" aria-labelledby="objectives-title">
      <h2 id="objectives-title">Objectives</h2>
      <p className="muted small">
        Burn 1 uses a month's error budget up in a month. Counted for {age(watchedMs)}; a window that is not
        full yet is hatched.
      </p>
      <ul className="objectives">
        {objectives.map((objective) => (
          <ObjectiveRow key={objective.name} objective={objective} />
        ))}
      </ul>
    </section>
  );
}

function ObjectiveRow({ objective }: { readonly objective: ServiceLevelObjective }) {
  const good = kept(objective);
  const { burning } = objective;
  return (
    <li>
      <div className="objective-head">
        <h3>
          {share(objective.objective)} <span className="promise">{objective.promise}</span>
        </h3>
        <span className={`verdict ${burning === null ? "" : burning.severity}`}>
          {burning === null
            ? good === null
              ? "no events yet"
              : share(good)
            : burning.severity === "page"
              ? "page"
              : "ticket"}
        </span>
      </div>
      <ul className="burns">
        {objective.windows.map(({ window, events, bad, burnRate, covered }) => (
          <li
            key={window}
            className={covered < 1 ? "partial" : undefined}
            title={`${Math.round(bad).toLocaleString("en")} of ${Math.round(events).toLocaleString("en")} events were bad; ${Math.floor(covered * 100)}% of the window is counted`}
          >
            <span className="muted">{window}</span>
            <span className="meter" aria-hidden="true">
              <span
                className={(burnRate ?? 0) > 1 ? "meter-fill over" : "meter-fill"}
                style={{ width: `${Math.min(100, ((burnRate ?? 0) / FULL_SCALE) * 100)}%` }}
              />
            </span>
            <span>
              {burnRate === null ? "–" : burnRate < 10 ? burnRate.toFixed(1) : Math.round(burnRate)}
            </span>
          </li>
        ))}
      </ul>
    </li>
  );
}
