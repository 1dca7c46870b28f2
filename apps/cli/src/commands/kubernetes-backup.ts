import { join } from "node:path";
import { type Action, type CommandInput, UsageError } from "../command.js";
import { backUpCluster } from "../kubernetes/cluster-backup.js";
import { restoreCluster } from "../kubernetes/cluster-restore.js";
import { type ClusterSummary, mebibytes, rowsOf } from "../kubernetes/operation.js";
import { required } from "../option-value.js";
import { repositoryRoot } from "../platform.js";
import { PASSPHRASE_OPTIONS, passphraseOf } from "./backup-passphrase.js";
import { onRelease, RELEASE_OPTIONS } from "./kubernetes-options.js";

/** `aios backup kubernetes`: all state of a release into one sealed file. */
export const backUpKubernetes: Action = {
  name: "kubernetes",
  positionals: [],
  options: {
    to: { value: "<file>", summary: "where to; nothing is replaced", required: true },
    ...PASSPHRASE_OPTIONS,
    ...RELEASE_OPTIONS,
    "keep-stopped": {
      summary: "does not start the release again once the backup is there, as before a move",
    },
    "without-head": {
      summary:
        "does not ask the chain's node, as where it does not come up; a restore then compares no block",
    },
  },
  summary: "one file of a release's volumes, databases and keys; the release is stopped meanwhile",
  example: "backup kubernetes --to state.aios --passphrase-file passphrase --namespace aios",
  run: (input) =>
    onRelease(input, async (operation) => {
      const summary = await backUpCluster(operation, {
        file: required(input, "to"),
        passphrase: await passphraseOf(input),
        planOnly: input.switches.has("plan"),
        keepStopped: input.switches.has("keep-stopped"),
        withoutHead: input.switches.has("without-head"),
      });
      tell(input, required(input, "to"), summary);
      return 0;
    }),
};

/** `aios restore kubernetes`: and back, into a namespace, where it runs again. */
export const restoreKubernetes: Action = {
  name: "kubernetes",
  positionals: [],
  options: {
    from: { value: "<file>", summary: "the backup", required: true },
    ...PASSPHRASE_OPTIONS,
    ...RELEASE_OPTIONS,
    replace: { summary: "removes the state that is there" },
    chart: { value: "<directory>", summary: "umbrella chart (default: deploy/helm/aios of this repository)" },
    values: { value: "<file>", summary: "values on top of those in the backup, as for another cluster" },
  },
  summary: "a release's state into a namespace, where it is installed and started",
  example: "restore kubernetes --from state.aios --passphrase-file passphrase --namespace aios",
  run: (input) =>
    onRelease(input, async (operation) => {
      const { values } = input.options;
      const summary = await restoreCluster(operation, {
        file: required(input, "from"),
        passphrase: await passphraseOf(input),
        chart: chartOf(input),
        values: values === undefined ? [] : [values],
        replace: input.switches.has("replace"),
        planOnly: input.switches.has("plan"),
      });
      tell(input, required(input, "from"), summary);
      return 0;
    }),
};

function chartOf({ options }: CommandInput): string {
  const root = repositoryRoot();
  const chart = options.chart ?? (root === undefined ? undefined : join(root, "deploy", "helm", "aios"));
  if (chart === undefined) throw new UsageError("--chart is missing.");
  return chart;
}

function tell({ json, output }: CommandInput, file: string, summary: ClusterSummary | undefined): void {
  output.write(
    json
      ? `${JSON.stringify({ file, planned: summary === undefined, ...summary })}\n`
      : inWords(file, summary),
  );
}

function inWords(file: string, summary: ClusterSummary | undefined): string {
  if (summary === undefined) return "Nothing was done: --plan.\n";
  const { volumes, databases, bytes, chain, createdAt } = summary;
  const head = chain === null ? "" : `, chain at block ${chain.height} ${chain.hash}`;
  return `${file}: ${volumes} volumes and ${rowsOf(databases)} rows, ${mebibytes(bytes)}${head}, of ${createdAt}\n`;
}
