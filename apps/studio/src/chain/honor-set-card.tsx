import { Hash } from "../components/hash.js";
import type { ChainReading, Member } from "./chain-reading.js";

/** Who decides: seats by group, and what each did in what is shown. */
export function HonorSetCard({ reading }: { readonly reading: ChainReading }) {
  const { members, setId } = reading;
  const groups = [...new Set(members.map(({ group }) => group))].sort((a, b) => a - b);
  return (
    <section className="card" aria-labelledby="honor-set-title">
      <h2 id="honor-set-title">Honor set</h2>
      <table className="figures honor-set">
        <caption className="muted small">
          Set <Hash value={setId} label="Honor set" />. Blocks of the last {windowSeconds(reading)} s;
          signatures under the last {reading.checkpoints.length} certificates.
        </caption>
        <thead>
          <tr>
            <th scope="col">Seat</th>
            <th scope="col">Account</th>
            <th scope="col" className="number">
              Blocks
            </th>
            <th scope="col" className="number">
              Signed
            </th>
          </tr>
        </thead>
        {groups.map((group) => (
          <tbody key={group}>
            {groups.length === 1 ? null : (
              <tr>
                <th scope="rowgroup" colSpan={4} className="group">
                  Group {group}
                </th>
              </tr>
            )}
            {members
              .filter((member) => member.group === group)
              .map((member) => (
                <Seat key={member.seat} member={member} reading={reading} />
              ))}
          </tbody>
        ))}
      </table>
    </section>
  );
}

function Seat({ member, reading }: { readonly member: Member; readonly reading: ChainReading }) {
  const { seat, account } = member;
  const blocks = reading.blocks.filter((block) => block.seat === seat).length;
  const signed = reading.checkpoints.filter(({ signers }) => signers.includes(seat)).length;
  const isQuiet = signed === 0 && reading.checkpoints.length > 0;
  return (
    <tr>
      <th scope="row">
        <span className={`dot ${isQuiet ? "offline" : "ok"}`} aria-hidden="true" /> {seat}
        {seat === reading.seat ? <span className="muted small"> answers here</span> : null}
      </th>
      <td>
        <Hash value={account} label="Account" />
      </td>
      <td className="number">{blocks}</td>
      <td className="number">
        {signed}
        <span className="visually-hidden">{isQuiet ? ", silent" : ""}</span>
      </td>
    </tr>
  );
}

function windowSeconds({ blocks, tick, tickMs }: ChainReading): number {
  const first = blocks.reduce((least, block) => Math.min(least, block.tick), tick);
  return Math.round(((tick - first + 1) * tickMs) / 1_000);
}
