import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie } from "@aios/core-trie/merkle-patricia-trie";
import { compactPath } from "@aios/core-trie/nibbles";
import type { CaseResult, Suite } from "../suite.js";
import { hexBytes, holdsCasesWith, readCases } from "../vectors.js";

type Write = readonly [key: string, value: string | null];

interface RootCase {
  readonly in: readonly Write[] | Readonly<Record<string, string | null>>;
  readonly root: string;
}
interface NeighbourCase {
  readonly in: readonly string[];
  readonly tests: readonly (readonly [key: string, previous: string, next: string])[];
}
interface HexPrefixCase {
  readonly seq: readonly number[];
  readonly term: boolean;
  readonly out: string;
}
type TrieCase = RootCase | NeighbourCase | HexPrefixCase;

const EMPTY = new Uint8Array(0);

function bytesOf(text: string | null): Uint8Array {
  if (text === null) return EMPTY;
  if (!text.startsWith("0x")) return new TextEncoder().encode(text);
  const bytes = hexBytes(text);
  if (bytes === undefined) throw new Error(`'${text}' is not hex`);
  return bytes;
}

/** Root after the writes, with a commit and a reload after every `commitEvery` of them. */
function rootOf(writes: readonly Write[], secure: boolean, commitEvery: number): string {
  const nodes = new Map<string, Uint8Array>();
  const keep = (hash: Uint8Array, rlp: Uint8Array): void => void nodes.set(toHex(hash), rlp);
  const load = (hash: Uint8Array): Uint8Array | undefined => nodes.get(toHex(hash));
  let trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, load);
  writes.forEach(([key, value], index) => {
    trie.put(secure ? keccak256(bytesOf(key)) : bytesOf(key), bytesOf(value));
    if ((index + 1) % commitEvery === 0) trie = new MerklePatriciaTrie(trie.commit(keep), load);
  });
  return trie.commit(keep);
}

/** Orders of insertion worth trying where any order gives the root: as given, backwards, and every rotation. */
function orders(writes: readonly Write[]): (readonly Write[])[] {
  const rotations = writes.map((_, at) => [...writes.slice(at), ...writes.slice(0, at)]);
  return [writes, [...writes].reverse(), ...rotations];
}

function rootDifference(vector: RootCase, secure: boolean): string | undefined {
  const sequences = Array.isArray(vector.in)
    ? [vector.in as readonly Write[]]
    : orders(Object.entries(vector.in));
  for (const writes of sequences) {
    for (const commitEvery of [writes.length + 1, 1, 3]) {
      const root = rootOf(writes, secure, commitEvery);
      if (root !== vector.root.toLowerCase()) return `root ${root}, expected ${vector.root}`;
    }
  }
  return undefined;
}

function neighbourDifference(vector: NeighbourCase): string | undefined {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (const key of vector.in) trie.put(bytesOf(key), bytesOf(key));
  const keys = [...trie.entries()].map(([key]) => Buffer.from(key));
  for (const [key, previous, next] of vector.tests) {
    const at = Buffer.from(bytesOf(key));
    const before = keys.findLast((other) => Buffer.compare(other, at) < 0);
    const after = keys.find((other) => Buffer.compare(other, at) > 0);
    const found = `${before ?? ""},${after ?? ""}`;
    if (found !== `${previous},${next}`)
      return `'${key}' lies between ${found}, expected ${previous},${next}`;
  }
  return undefined;
}

function hexPrefixDifference({ seq, term, out }: HexPrefixCase): string | undefined {
  const encoded = toHex(compactPath(Uint8Array.from(seq), term));
  return encoded === `0x${out}` ? undefined : `hex prefix ${encoded}, expected 0x${out}`;
}

function difference(vector: TrieCase, secure: boolean): string | undefined {
  if ("root" in vector) return rootDifference(vector, secure);
  return "tests" in vector ? neighbourDifference(vector) : hexPrefixDifference(vector);
}

export const trieSuite: Suite = {
  name: "trie",
  describe:
    "TrieTests of ethereum/tests (and hexencodetest of BasicTests): roots, neighbours, hex-prefix encoding",
  accepts: (path) =>
    holdsCasesWith(path, ["in", "root"]) ||
    holdsCasesWith(path, ["in", "tests"]) ||
    holdsCasesWith(path, ["seq", "term", "out"]),
  async *runFile(path): AsyncIterable<CaseResult> {
    // The format says in the file's name whether keys are hashed first.
    const secure = /secure/i.test(path.split("/").at(-1) ?? "");
    for (const [name, vector] of await readCases<TrieCase>(path)) {
      const detail = difference(vector, secure);
      yield detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
    }
  },
};
