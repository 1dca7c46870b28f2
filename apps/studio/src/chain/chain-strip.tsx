import { quorumOf } from "@aios/core-finality/quorum";
import { seconds } from "../lib/format.js";
import { whole } from "../operations/figures.js";
import { Tile } from "../operations/tile.js";
import { ageOfTick } from "./age-of-tick.js";
import type { ChainReading } from "./chain-reading.js";

/** A chain whose last certificate is older than so many ticks, and than so long, stands still: short ticks may pass without a block. */
const LATE_TICKS = 4;
const LATE_MS = 6_000;

/** What is decided, what is final, and how long it takes. */
export function ChainStrip({ reading }: { readonly reading: ChainReading }) {
  const { checkpoints, orderDelays, members, peers, latestHeight, finalizedHeight } = reading;
  const last = checkpoints.at(-1);
  const lagMs = last === undefined ? undefined : ageOfTick(reading, last.tick);
  const { quorum } = quorumOf(members.length);
  const isLate = lagMs === undefined || lagMs > Math.max(LATE_MS, LATE_TICKS * reading.tickMs);
  return (
    <dl className="summary four">
      <Tile
        name="Certified"
        value={last === undefined ? "–" : whole(last.height)}
        note={last === undefined ? "no checkpoint yet" : `${last.signers.length} of ${members.length} signed`}
        mood={last === undefined ? "degraded" : "ok"}
      />
      <Tile
        name="Final"
        value={whole(finalizedHeight)}
        note={`state attested · ${whole(Math.max(0, latestHeight - finalizedHeight))} behind the latest`}
        mood={isLate ? "degraded" : "ok"}
      />
      <Tile
        name="Finality lag"
        value={lagMs === undefined ? "–" : seconds(lagMs)}
        note={
          orderDelays.count === 0
            ? "since the last block under a certificate"
            : `from block to certificate ${seconds(orderDelays.p50Ms)}, p95 ${seconds(orderDelays.p95Ms)}`
        }
        mood={isLate ? "degraded" : "ok"}
      />
      <Tile
        name="Honor nodes"
        value={whole(members.length)}
        note={`${quorum} make a quorum · ${whole(peers + 1)} connected`}
        mood={peers + 1 < quorum ? "offline" : peers + 1 < members.length ? "degraded" : "ok"}
      />
    </dl>
  );
}
