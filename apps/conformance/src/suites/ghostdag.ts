import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Ghostdag } from "@aios/core-ghostdag/ghostdag";
import type { CaseResult, Suite } from "../suite.js";

interface GhostdagFile {
  readonly K: number;
  readonly GenesisID: string;
  readonly Blocks: readonly GhostdagVector[];
}

interface GhostdagVector {
  readonly ID: string;
  readonly Parents: readonly string[];
  readonly ExpectedScore: number;
  readonly ExpectedSelectedParent: string;
  readonly ExpectedBlues: readonly string[];
  readonly ExpectedReds: readonly string[];
}

const WITHOUT_LIMITS = {
  maxParents: Number.MAX_SAFE_INTEGER,
  maxMergeset: Number.MAX_SAFE_INTEGER,
  mergeDepth: 2 ** 52,
  pruningDepth: 2 ** 53 - 1,
};

/** What is different from the vector, if anything is. Blues and reds are compared in order. */
function difference(dag: Ghostdag, vector: GhostdagVector): string | undefined {
  const block = dag.insert(vector.ID, vector.Parents);
  const pairs: [string, unknown, unknown][] = [
    ["selected parent", block.selectedParent, vector.ExpectedSelectedParent],
    ["blue score", block.blueScore, vector.ExpectedScore],
    ["blues", block.mergesetBlues, vector.ExpectedBlues],
    ["reds", block.mergesetReds, vector.ExpectedReds],
  ];
  for (const [what, ours, expected] of pairs) {
    const [a, b] = [JSON.stringify(ours), JSON.stringify(expected)];
    if (a !== b) return `${what}: ${a}, expected ${b}`;
  }
  return undefined;
}

export const ghostdagSuite: Suite = {
  name: "ghostdag",
  describe: "GHOSTDAG DAGs of rusty-kaspa: selected parents, blue scores and colouring of every block",
  accepts: (path) => {
    if (!path.endsWith(".json")) return false;
    try {
      const file = JSON.parse(readFileSync(path, "utf8")) as Partial<GhostdagFile> | null;
      return file !== null && typeof file === "object" && "K" in file && "GenesisID" in file;
    } catch {
      return true;
    }
  },
  async *runFile(path): AsyncIterable<CaseResult> {
    const file = JSON.parse(await readFile(path, "utf8")) as GhostdagFile;
    const dag = new Ghostdag({ ...WITHOUT_LIMITS, k: file.K }, file.GenesisID);
    for (const vector of file.Blocks) {
      const detail = difference(dag, vector);
      const name = `block ${vector.ID}`;
      yield detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
    }
  },
};
