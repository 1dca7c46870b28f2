import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { Hash } from "../components/hash.js";
import type { ChainReading } from "./chain-reading.js";
import { type DagPicture, dagPicture, neighbour, type PlacedBlock, type PlacedLink } from "./dag-picture.js";

interface Props {
  /** What is drawn: the newest, or what was kept when it was paused. */
  readonly reading: ChainReading;
  readonly isPaused: boolean;
  readonly onPause: (isPaused: boolean) => void;
}

/** The block DAG as it grows; a block that is chosen keeps the picture still. */
export function DagCard({ reading, isPaused, onPause }: Props) {
  const [width, setWidth] = useState<number | undefined>(undefined);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const measured = useMeasured(setWidth);
  const picture = width === undefined ? undefined : dagPicture(reading, width);
  const block = picture?.blocks.find((one) => one.block.id === chosen);
  const choose = (id: string | undefined): void => {
    setChosen(id);
    onPause(id !== undefined);
  };
  return (
    <section className="card" aria-labelledby="dag-title">
      <div className="dag-head">
        <h2 id="dag-title">Block DAG</h2>
        <Legend />
        <button
          type="button"
          aria-pressed={isPaused}
          onClick={() => (isPaused ? choose(undefined) : onPause(true))}
        >
          {isPaused ? "Go on" : "Pause"}
        </button>
      </div>
      <div ref={measured} className="dag-frame">
        {picture === undefined ? null : <Drawing picture={picture} chosen={chosen} onChoose={choose} />}
      </div>
      <div aria-live="polite">
        {block === undefined ? (
          <p className="muted small dag-hint">
            Time runs to the right, a row for each seat. Choose a block to see what it holds; arrow keys lead
            from block to block.
          </p>
        ) : (
          <BlockFacts placed={block} />
        )}
      </div>
    </section>
  );
}

function useMeasured(onWidth: (width: number) => void) {
  const observer = useRef<ResizeObserver | undefined>(undefined);
  useEffect(() => () => observer.current?.disconnect(), []);
  return useCallback(
    (element: HTMLDivElement | null) => {
      observer.current?.disconnect();
      if (element === null) return;
      observer.current = new ResizeObserver(([entry]) => onWidth(Math.floor(entry?.contentRect.width ?? 0)));
      observer.current.observe(element);
    },
    [onWidth],
  );
}

function Legend() {
  return (
    <ul className="dag-legend small">
      <li>
        <span className="key blue" aria-hidden="true" />
        blue
      </li>
      <li>
        <span className="key red" aria-hidden="true" />
        red
      </li>
      <li>
        <span className="key open" aria-hidden="true" />
        not merged yet
      </li>
      <li>
        <span className="key line" aria-hidden="true" />
        selected chain
      </li>
      <li>
        <span className="key certified" aria-hidden="true" />
        certified
      </li>
    </ul>
  );
}

function Drawing({
  picture,
  chosen,
  onChoose,
}: {
  readonly picture: DagPicture;
  readonly chosen: string | undefined;
  readonly onChoose: (id: string | undefined) => void;
}) {
  const { width, height, blocks } = picture;
  const frame = useRef<HTMLFieldSetElement>(null);
  const entry = chosen ?? blocks.at(-1)?.block.id;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      onChoose(undefined);
      return;
    }
    const from = (event.target as HTMLElement).dataset["block"];
    const next = from === undefined ? undefined : neighbour(picture, from, event.key);
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next);
    frame.current?.querySelector<HTMLElement>(`[data-block="${next}"]`)?.focus();
  };
  return (
    <fieldset ref={frame} className="dag" style={{ height }} onKeyDown={onKeyDown}>
      <legend className="visually-hidden">
        {blocks.length} blocks of ticks {picture.firstTick} to {picture.lastTick}
      </legend>
      <svg className="dag-lines" width={width} height={height} aria-hidden="true">
        <Lanes picture={picture} />
        {picture.links.map((link) => (
          <path key={link.key} className={link.isOnChain ? "link on-chain" : "link"} d={curve(link)} />
        ))}
      </svg>
      {picture.rows.map(({ member, y }) => (
        <span key={member.seat} className="dag-seat small" style={{ top: y }} aria-hidden="true">
          {width < 600 ? member.seat : `seat ${member.seat}`}
        </span>
      ))}
      {picture.checkpoints.map(({ checkpoint, x, isNamed }) =>
        isNamed ? (
          <span key={checkpoint.height} className="dag-height" style={{ left: x }} aria-hidden="true">
            {checkpoint.height}
          </span>
        ) : null,
      )}
      {picture.times.map(({ text, x }) => (
        <span key={text} className="dag-time" style={{ left: x }} aria-hidden="true">
          {text}
        </span>
      ))}
      {blocks.map((placed) => (
        <button
          key={placed.block.id}
          type="button"
          className={`dag-block ${placed.colour}${placed.isOnChain ? " on-chain" : ""}`}
          style={{ left: placed.x, top: placed.y }}
          data-block={placed.block.id}
          tabIndex={placed.block.id === entry ? 0 : -1}
          aria-pressed={placed.block.id === chosen}
          aria-label={spoken(placed)}
          onClick={() => onChoose(placed.block.id === chosen ? undefined : placed.block.id)}
        >
          <span aria-hidden="true">
            {placed.block.transactions.length === 0 ? "" : short(placed.block.transactions.length)}
          </span>
        </button>
      ))}
    </fieldset>
  );
}

/** Groups, the certified part, checkpoints. */
function Lanes({ picture }: { readonly picture: DagPicture }) {
  const { width, height, groups, rows, certifiedX, checkpoints } = picture;
  const top = (groups[0]?.y ?? 0) - 6;
  const bottom = height - 24;
  return (
    <>
      {groups.map(({ group, y, height: tall }) => (
        <rect key={group} className="group" x={0} y={y} width={width} height={tall} rx={8} />
      ))}
      {certifiedX === undefined ? null : (
        <rect className="certified" x={0} y={top} width={certifiedX} height={bottom - top} rx={8} />
      )}
      {rows.map(({ member, y }) => (
        <line key={member.seat} className="row" x1={0} x2={width} y1={y} y2={y} />
      ))}
      {checkpoints.map(({ checkpoint, x }) => (
        <line key={checkpoint.height} className="checkpoint" x1={x} x2={x} y1={top} y2={bottom} />
      ))}
    </>
  );
}

function curve({ from, to }: PlacedLink): string {
  const middle = (from.x + to.x) / 2;
  return `M ${from.x} ${from.y} C ${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
}

function short(count: number): string {
  return count < 1_000 ? String(count) : `${Math.round(count / 1_000)}k`;
}

const MEANING = {
  blue: "blue",
  red: "red: ordered, but it does not count towards the chain's weight",
  open: "not merged yet",
} as const;

function spoken({ block, colour, isOnChain, orderedBy }: PlacedBlock): string {
  const chain = isOnChain ? ", on the selected chain" : "";
  const order = orderedBy === undefined ? "" : `, ordered by checkpoint ${orderedBy}`;
  const count = block.transactions.length;
  return `Seat ${block.seat}, tick ${block.tick}: ${MEANING[colour]}${chain}${order}, ${count} transaction${count === 1 ? "" : "s"}`;
}

function BlockFacts({ placed }: { readonly placed: PlacedBlock }) {
  const { block, colour, isOnChain, orderedBy } = placed;
  const { transactions } = block;
  return (
    <section className="details dag-facts" aria-label="Block">
      <dl>
        <div>
          <dt>Block</dt>
          <dd>
            <code>{block.id}</code>
          </dd>
        </div>
        <div>
          <dt>Made by</dt>
          <dd>
            seat {block.seat} of group {block.group}, in tick {block.tick.toLocaleString("en")}
          </dd>
        </div>
        <div>
          <dt>Colour</dt>
          <dd>
            {MEANING[colour]}
            {isOnChain ? ", on the selected chain" : ""}; blue score {block.blueScore.toLocaleString("en")}
          </dd>
        </div>
        <div>
          <dt>Order</dt>
          <dd>
            {orderedBy === undefined
              ? "no certificate shown orders it"
              : `certified with checkpoint ${orderedBy.toLocaleString("en")}`}
          </dd>
        </div>
        <div>
          <dt>Parents</dt>
          <dd className="transactions">
            {block.parents.map((parent) => (
              <Hash key={parent} value={parent} label="Parent" />
            ))}
          </dd>
        </div>
        <div>
          <dt>Transactions</dt>
          <dd className="transactions">
            {transactions.length === 0 ? "none" : null}
            {transactions.slice(0, SHOWN_TRANSACTIONS).map((hash) => (
              <Hash key={hash} value={hash} label="Transaction" />
            ))}
            {transactions.length > SHOWN_TRANSACTIONS
              ? `and ${(transactions.length - SHOWN_TRANSACTIONS).toLocaleString("en")} more`
              : null}
          </dd>
        </div>
      </dl>
    </section>
  );
}

const SHOWN_TRANSACTIONS = 12;
