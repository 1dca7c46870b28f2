type Mood = "ok" | "degraded" | "offline";

/** One figure of a strip, with what it means and how it is. */
export function Tile({
  name,
  value,
  note,
  mood,
}: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly mood: Mood;
}) {
  return (
    <div className={`tile ${mood}`}>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span className="muted small">{note}</span>
      </dd>
    </div>
  );
}
