const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);
const PIECE_BYTES = 65_536;

/** A member of a JSON object: where its name starts, and where its value starts and ends. */
interface Member {
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

function skipSpaces(json: Uint8Array, from: number): number {
  let at = from;
  while (SPACES.has(json[at] as number)) at++;
  return at;
}

/** Where the string that starts here ends. */
function skipString(json: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Where the value that starts here ends; what is inside brackets is only counted. */
function skipValue(json: Uint8Array, from: number): number {
  let depth = 0;
  for (let at = from; at < json.length; ) {
    const byte = json[at] as number;
    if (byte === QUOTE) {
      at = skipString(json, at);
      if (depth === 0) return at;
      continue;
    }
    if (OPENING.has(byte)) depth++;
    else if (CLOSING.has(byte)) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && byte === COMMA) return at;
    at++;
  }
  return json.length;
}

/** The members of the object that starts at `from`; ends early where the text is no object. */
function* membersOf(json: Uint8Array, from: number): Generator<Member, boolean> {
  if (json[from] !== OPENING_BRACE) return false;
  let at = skipSpaces(json, from + 1);
  if (json[at] === CLOSING_BRACE) return true;
  for (;;) {
    if (json[at] !== QUOTE) return false;
    const start = at;
    at = skipSpaces(json, skipString(json, at));
    if (json[at] !== COLON) return false;
    const valueStart = skipSpaces(json, at + 1);
    const end = skipValue(json, valueStart);
    yield { start, valueStart, end };
    at = skipSpaces(json, end);
    if (json[at] === CLOSING_BRACE) return true;
    if (json[at] !== COMMA) return false;
    at = skipSpaces(json, at + 1);
  }
}

/** A genesis file whose accounts are read when they are asked for, a piece at a time. */
export interface SplitGenesis {
  /** All but the accounts, of which there are none. */
  readonly rules: unknown;
  /** Throws `SyntaxError`. */
  accounts(): Iterable<readonly [string, unknown]>;
}

/**
 * Splits the JSON text of a genesis file at its member `alloc`. Nothing where there is no such object, or more than one:
 * then the file is to be read as a whole. Throws `SyntaxError` where what is left is no JSON. Cost: one pass.
 */
export function splitGenesis(json: Buffer): SplitGenesis | undefined {
  const text = (start: number, end: number): string => json.toString("utf8", start, end);
  const start = skipSpaces(json, 0);
  const found: Member[] = [];
  for (const member of membersOf(json, start)) {
    const name = text(member.start, member.valueStart);
    if (JSON.parse(name.slice(0, name.lastIndexOf(":"))) === "alloc") found.push(member);
  }
  const [alloc] = found;
  if (alloc === undefined || found.length > 1 || json[alloc.valueStart] !== OPENING_BRACE) return undefined;
  const { valueStart, end } = alloc;
  const rules: unknown = JSON.parse(`${text(0, valueStart)}{}${text(end, json.length)}`);
  return { rules, accounts: () => piecesOf(json, valueStart, text) };
}

function* piecesOf(
  json: Buffer,
  from: number,
  text: (start: number, end: number) => string,
): Iterable<readonly [string, unknown]> {
  const piece = (start: number, end: number): [string, unknown][] =>
    Object.entries(JSON.parse(`{${text(start, end)}}`) as Record<string, unknown>);
  const members = membersOf(json, from);
  let start: number | undefined;
  let end = from;
  for (;;) {
    const next = members.next();
    if (next.done === true) {
      if (start !== undefined) yield* piece(start, end);
      if (!next.value) throw new SyntaxError("The accounts of the genesis file are no JSON object.");
      return;
    }
    start ??= next.value.start;
    end = next.value.end;
    if (end - start < PIECE_BYTES) continue;
    yield* piece(start, end);
    start = undefined;
  }
}
