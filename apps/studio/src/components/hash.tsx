import { shortHex } from "../lib/format.js";

/** A hash or address, shortened for the eye, whole for everyone else; a button where it can be looked up. */
export function Hash({
  value,
  label,
  onOpen,
}: {
  readonly value: string;
  readonly label: string;
  readonly onOpen?: ((value: string) => void) | undefined;
}) {
  if (onOpen === undefined) {
    return (
      <code className="hash" title={value}>
        {shortHex(value)}
      </code>
    );
  }
  return (
    <button type="button" className="hash link" title={value} onClick={() => onOpen(value)}>
      <span className="visually-hidden">{label} </span>
      {shortHex(value)}
    </button>
  );
}
