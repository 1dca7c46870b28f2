import type { PlatformTrace } from "@aios/sdk/operations-types";
import { useId, useMemo, useState } from "react";
import { Notice } from "../components/notice.js";
import { span as spanTime } from "./figures.js";
import { axisTicks, isStatement, type TraceRow, traceTree } from "./trace-tree.js";

const DEEPEST_INDENT = 8;

/** A trace's spans over time, each below the one that caused it, coloured by service. */
export function TraceWaterfall({ trace }: { readonly trace: PlatformTrace }) {
  const [statements, setStatements] = useState(false);
  const [opened, setOpened] = useState<string | undefined>(undefined);
  const toggle = useId();
  const shown = useMemo(
    () => traceTree(trace.spans.filter((span) => statements || !isStatement(span))),
    [trace, statements],
  );
  const hidden = trace.spans.filter(isStatement).length;
  const services = [...new Set(trace.spans.map(({ service }) => service))];
  if (trace.spans.length === 0)
    return (
      <Notice kind="empty">The services no longer remember this trace: newer ones took its place.</Notice>
    );
  const ticks = axisTicks(shown.durationUs);
  return (
    <div className="waterfall">
      <div className="waterfall-head">
        <ul className="legend" aria-label="Services">
          {services.map((service) => (
            <li key={service} data-service={service}>
              <span className="swatch" aria-hidden="true" />
              {service}
            </li>
          ))}
        </ul>
        <label htmlFor={toggle}>
          <input
            id={toggle}
            type="checkbox"
            checked={statements}
            onChange={() => setStatements(!statements)}
          />
          Database statements ({hidden.toLocaleString("en")})
        </label>
      </div>
      {trace.silent.length === 0 ? null : (
        <Notice kind="warning">{trace.silent.join(", ")} did not answer: their part is missing.</Notice>
      )}
      <div className="axis" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} className="tick" style={{ left: `${(tick / shown.durationUs) * 100}%` }}>
            {tick === 0 ? "0" : spanTime(tick)}
          </span>
        ))}
      </div>
      <ol className="spans" aria-label="Spans">
        {shown.rows.map((row) => (
          <SpanRow
            key={row.span.spanId}
            row={row}
            durationUs={shown.durationUs}
            open={opened === row.span.spanId}
            onToggle={() => setOpened(opened === row.span.spanId ? undefined : row.span.spanId)}
          />
        ))}
      </ol>
      <p className="muted small">
        {trace.spans.length.toLocaleString("en")} spans in {spanTime(shown.durationUs)}, trace{" "}
        <code className="hash">{trace.traceId}</code>
        {trace.dropped === 0 ? "" : `; ${trace.dropped.toLocaleString("en")} more did not fit`}.
      </p>
    </div>
  );
}

function SpanRow({
  row: { span, depth, offsetUs },
  durationUs,
  open,
  onToggle,
}: {
  readonly row: TraceRow;
  readonly durationUs: number;
  readonly open: boolean;
  readonly onToggle: () => void;
}) {
  return (
    <li data-service={span.service} className={span.failed ? "failed" : undefined}>
      <button type="button" aria-expanded={open} onClick={onToggle}>
        <span
          className="span-name"
          style={{ paddingInlineStart: `${Math.min(depth, DEEPEST_INDENT) * 0.8}rem` }}
        >
          <span className="swatch" aria-hidden="true" />
          <span className="text">{shortName(span.name)}</span>
        </span>
        <span className="track" aria-hidden="true">
          <span
            className={`bar ${span.kind}`}
            style={{
              left: `${(offsetUs / durationUs) * 100}%`,
              width: `${(span.durationUs / durationUs) * 100}%`,
            }}
          />
        </span>
        <span className="span-time">
          <span className="visually-hidden">
            {span.service}, after {spanTime(offsetUs)}, took{" "}
          </span>
          {spanTime(span.durationUs)}
        </span>
      </button>
      {open ? (
        <dl className="span-facts">
          <Fact name="Span" value={span.name} />
          <Fact name="Service" value={`${span.service}, ${span.kind}`} />
          <Fact name="Began after" value={spanTime(offsetUs)} />
          {span.failed ? <Fact name="Error" value={span.message === "" ? "failed" : span.message} /> : null}
          {Object.entries(span.attributes).map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
        </dl>
      ) : null}
    </li>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** `aios.compute.v1.ComputeService/PlaceJob` → `ComputeService/PlaceJob`. */
function shortName(name: string): string {
  return name.replace(/^aios\.[a-z]+\.v[0-9]+\./, "");
}
