import type { Operations } from "@aios/sdk/operations-types";
import { atMost, slowest, trouble, whole } from "./figures.js";
import { Tile } from "./tile.js";

/** The few figures that say at once whether anything needs a person. */
export function SummaryStrip({ operations }: { readonly operations: Operations }) {
  const { services, chain, queues, lags, objectives } = operations;
  const ready = services.filter(({ state }) => state === "ready").length;
  const troubled = services.filter(
    (each) => trouble(each, services[0]?.version ?? null) !== undefined,
  ).length;
  const waiting = queues.reduce((sum, queue) => sum + (queue.waiting ?? 0), 0);
  const burning = objectives.filter((objective) => objective.burning !== null);
  const late = slowest(lags);
  const behind = (chain.latestHeight ?? 0) - (chain.indexedHeight ?? chain.latestHeight ?? 0);
  return (
    <dl className="summary">
      <Tile
        name="Services"
        value={`${ready} of ${services.length}`}
        note={troubled === 0 ? "ready, nothing to mend" : `${troubled} need a look`}
        mood={ready < services.length ? "offline" : troubled > 0 ? "degraded" : "ok"}
      />
      <Tile
        name="Chain"
        value={whole(chain.latestHeight)}
        note={`final ${whole(chain.finalizedHeight)} · index ${behind <= 0 ? "level" : `${whole(behind)} behind`}`}
        mood={chain.latestHeight === null ? "offline" : behind > 50 ? "degraded" : "ok"}
      />
      <Tile
        name="Providers"
        value={whole(chain.providersOnline)}
        note={`online · ${whole(waiting)} pieces of work wait`}
        mood={chain.providersOnline === 0 ? "degraded" : "ok"}
      />
      <Tile
        name="Events"
        value={late === undefined ? "none" : atMost(late.p95Ms, late.handled)}
        note={late === undefined ? "in the last five minutes" : "late at p95, slowest topic"}
        mood={late !== undefined && (late.p95Ms ?? Number.POSITIVE_INFINITY) > 5_000 ? "degraded" : "ok"}
      />
      <Tile
        name="Objectives"
        value={burning.length === 0 ? "kept" : `${burning.length} burning`}
        note={burning[0]?.name ?? `all ${objectives.length}, as far as counted`}
        mood={
          burning.some((each) => each.burning?.severity === "page")
            ? "offline"
            : burning.length > 0
              ? "degraded"
              : "ok"
        }
      />
    </dl>
  );
}
