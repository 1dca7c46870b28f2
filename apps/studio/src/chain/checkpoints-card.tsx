import { Hash } from "../components/hash.js";
import { Notice } from "../components/notice.js";
import { seconds } from "../lib/format.js";
import { ageOfTick } from "./age-of-tick.js";
import type { CertifiedCheckpoint, ChainReading } from "./chain-reading.js";

const LEAST_SHOWN = 6;
const MOST_SHOWN = 12;

/** The last checkpoints with who signed them. */
export function CheckpointsCard({ reading }: { readonly reading: ChainReading }) {
  // About as many as there are seats beside them.
  const shown = Math.min(MOST_SHOWN, Math.max(LEAST_SHOWN, reading.members.length));
  const newest = reading.checkpoints.slice(-shown).reverse();
  return (
    <section className="card" aria-labelledby="checkpoints-title">
      <h2 id="checkpoints-title">Checkpoints</h2>
      {newest.length === 0 ? <Notice kind="empty">No checkpoint has been certified yet.</Notice> : null}
      <ol className="rows">
        {newest.map((checkpoint) => (
          <li key={checkpoint.height}>
            <Checkpoint checkpoint={checkpoint} reading={reading} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Checkpoint({
  checkpoint: { height, tip, tick, round, signers, attestedRoot },
  reading,
}: {
  readonly checkpoint: CertifiedCheckpoint;
  readonly reading: ChainReading;
}) {
  const { members } = reading;
  const signed = new Set(signers);
  const missing = members.filter(({ seat }) => !signed.has(seat)).map(({ seat }) => seat);
  return (
    <>
      <div className="row-head">
        <strong>{height.toLocaleString("en")}</strong>
        <span className="muted small age">{seconds(ageOfTick(reading, tick))} ago</span>
      </div>
      <div className="signers small">
        <span className="seats" aria-hidden="true">
          {members.map(({ seat }) => (
            <span key={seat} className={signed.has(seat) ? "seat signed" : "seat"} />
          ))}
        </span>
        <span>
          {signers.length} of {members.length} signed
          {signers.length === members.length
            ? ""
            : `, without seat${missing.length === 1 ? "" : "s"} ${missing.join(", ")}`}
          {round === 0 ? "" : `, in round ${round}`}
        </span>
      </div>
      <div className="muted small">
        Orders up to block <Hash value={tip} label="Block" />, attests the state after{" "}
        {(height - 1).toLocaleString("en")}: <Hash value={attestedRoot} label="State root" />
      </div>
    </>
  );
}
