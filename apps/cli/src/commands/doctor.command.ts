import { isCodedError } from "@aios/kernel/coded-error";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { addressCertificateFinding, operationsFindings } from "../doctor/cluster-findings.js";
import { type Finding, warning } from "../doctor/finding.js";
import { askPod } from "../doctor/kubernetes/ask-pod.js";
import { examineCluster } from "../doctor/kubernetes/examine-cluster.js";
import {
  diskFinding,
  memoryFinding,
  movedPortsFinding,
  nodeFinding,
  portFindings,
} from "../doctor/machine-findings.js";
import { backendFindings, clockFindings } from "../doctor/platform-findings.js";
import { Kubectl } from "../kubernetes/kubectl.js";
import { gatewayUrl, localInstance, operatorClient, repositoryRoot, visitorClient } from "../platform.js";
import { interruptible, operatorsProgram } from "./kubernetes-options.js";

const MARK: Readonly<Record<Finding["state"], string>> = {
  ok: "  ok  ",
  warning: "  !   ",
  problem: " WRONG",
};

const KEY_FIX =
  "Name an operator's key with --key-file; the gateway's setting GATEWAY_OPERATORS lists their accounts.";
/** By the code of what the gateway answered instead of showing its inside. */
const OPERATIONS_FIX: Readonly<Record<string, string>> = {
  "sign-in-required": KEY_FIX,
  "operators-only": KEY_FIX,
  "sign-in-refused":
    "Call the gateway by an address that its setting GATEWAY_SIGN_IN_DOMAINS names (gateway.hosts in a chart's values), and set this machine's clock.",
};
const OTHERWISE_FIX = "A gateway of an older version does not tell; look at its log otherwise.";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "check ports, versions, disk, clocks and services, with the fix for each finding",
  description: `Looks at this machine (Node, memory, disk, ports) and at the platform that answers, here or in a cluster: each
service, versions, clocks, applied migrations, events that wait or were given up on, disks, certificates, objectives; and
says the fix for each finding. The inside of a platform is shown to its operators: name an operator's key with --key-file,
unless the gateway runs on this machine. Exit code 1 when something is wrong; warnings alone give 0.

With --kubernetes it asks the cluster of your kubeconfig instead, by kubectl and with your rights: every pod of AiOS, why it
waits or was started again, its last events, disks and nodes; and each running pod for itself: version, clock, migrations,
what waits, disk and certificate. With --url too, what the gateway knows comes behind it. A backup of such a release is
'backup kubernetes': there the cluster is an action of its own, and its namespace is aios where none is named.`,
  actions: [
    {
      positionals: [],
      options: {
        kubernetes: { summary: "ask every pod of a cluster, by kubectl" },
        context: {
          value: "<name>",
          summary: "with --kubernetes: context of the kubeconfig (its current one)",
        },
        namespace: {
          value: "<name>",
          summary: "with --kubernetes: the release's namespace (that of the context)",
        },
        release: { value: "<name>", summary: "with --kubernetes: this release's pods alone" },
      },
      summary: "findings, one a line",
      example: "doctor --url https://gateway.example.org --key-file operator.key",
      run: examine,
    },
  ],
};

async function examine(input: CommandInput): Promise<number> {
  const { switches, options } = input;
  const { context, namespace, release } = options;
  if (!switches.has("kubernetes")) {
    if (context !== undefined || namespace !== undefined || release !== undefined)
      throw new UsageError("--context, --namespace and --release go with --kubernetes.");
    const url = gatewayUrl(input);
    return tell(input, { url }, await platformFindings(input, url));
  }
  const inCluster = await interruptible(async (signal) => {
    const program = operatorsProgram("kubectl", input.output.env, signal);
    const kubectl = new Kubectl(program, { context, namespace });
    const found = await examineCluster(kubectl, (pod, port) => askPod(kubectl, pod, port), release);
    signal.throwIfAborted();
    return found;
  });
  const platform = input.url === undefined ? [] : await platformFindings(input, gatewayUrl(input));
  const where = input.url === undefined ? {} : { url: input.url };
  return tell(input, { ...where, kubernetes: true }, [...inCluster, ...platform]);
}

async function platformFindings(input: CommandInput, url: string): Promise<readonly Finding[]> {
  const client = visitorClient(input);
  const [backends, certificate] = await Promise.all([
    backendFindings(client, url),
    addressCertificateFinding(url),
  ]);
  const runs = backends[0]?.state === "ok";
  return [
    nodeFinding(process.versions.node),
    memoryFinding(),
    await diskFinding(repositoryRoot() ?? process.cwd()),
    ...(runs ? [movedPortsFinding(portsOf(url))] : await portFindings()),
    ...backends,
    ...(certificate === undefined ? [] : [certificate]),
    ...(runs ? await clockFindings(client, url) : []),
    ...(runs ? await insideFindings(input) : []),
  ];
}

/** Answers the exit code. */
function tell(input: CommandInput, what: object, findings: readonly Finding[]): number {
  if (input.json) input.output.write(`${JSON.stringify({ ...what, findings })}\n`);
  else {
    for (const finding of findings) {
      const fix = finding.fix === undefined ? "" : `\n          fix: ${finding.fix}`;
      input.output.write(`${MARK[finding.state]}  ${finding.name.padEnd(12)} ${finding.detail}${fix}\n`);
    }
  }
  return findings.some((finding) => finding.state === "problem") ? 1 : 0;
}

/** What the services know of themselves; a warning where this caller may not know it. */
async function insideFindings(input: CommandInput): Promise<readonly Finding[]> {
  try {
    return operationsFindings(await (await operatorClient(input)).operations());
  } catch (error) {
    if (!isCodedError(error)) throw error;
    const closed = ["sign-in-required", "operators-only"].includes(error.code);
    const said = closed ? "The gateway shows the inside of its platform to operators only." : error.message;
    return [warning("operations", said, OPERATIONS_FIX[error.code] ?? OTHERWISE_FIX)];
  }
}

/** Of the platform at this address, where it is the one that was started in this repository. */
function portsOf(url: string): Readonly<Record<string, number>> | undefined {
  const here = localInstance();
  return here?.urls?.gateway === url ? here.ports : undefined;
}
