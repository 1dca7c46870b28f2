import type { Command } from "../command.js";
import type { Finding } from "../doctor/finding.js";
import {
  diskFinding,
  memoryFinding,
  movedPortsFinding,
  nodeFinding,
  portFindings,
} from "../doctor/machine-findings.js";
import { backendFindings, clockFindings } from "../doctor/platform-findings.js";
import { gatewayUrl, localInstance, repositoryRoot, visitorClient } from "../platform.js";

const MARK: Readonly<Record<Finding["state"], string>> = {
  ok: "  ok  ",
  warning: "  !   ",
  problem: " WRONG",
};

export const doctorCommand: Command = {
  name: "doctor",
  usage: "aios doctor",
  summary: "check ports, versions, disk, clocks and services, with the fix for each finding",
  description: `Looks at this machine (Node, memory, disk, ports) and at the platform that answers (each service, clocks, the
newest block), and says the fix for each finding. Exit code 1 when something is wrong; warnings alone give 0.`,
  async run(input) {
    const url = gatewayUrl(input);
    const client = visitorClient(input);
    const backends = await backendFindings(client, url);
    const runs = backends[0]?.state === "ok";
    const findings: Finding[] = [
      nodeFinding(process.versions.node),
      memoryFinding(),
      await diskFinding(repositoryRoot() ?? process.cwd()),
      ...(runs ? [movedPortsFinding(portsOf(url))] : await portFindings()),
      ...backends,
      ...(runs ? await clockFindings(client, url) : []),
    ];
    if (input.json) input.output.write(`${JSON.stringify({ url, findings })}\n`);
    else {
      for (const finding of findings) {
        const fix = finding.fix === undefined ? "" : `\n          fix: ${finding.fix}`;
        input.output.write(`${MARK[finding.state]}  ${finding.name.padEnd(12)} ${finding.detail}${fix}\n`);
      }
    }
    return findings.some((finding) => finding.state === "problem") ? 1 : 0;
  },
};

/** Of the platform at this address, where it is the one that was started in this repository. */
function portsOf(url: string): Readonly<Record<string, number>> | undefined {
  const here = localInstance();
  return here?.urls?.gateway === url ? here.ports : undefined;
}
