import type { Command } from "../command.js";
import { gatewayUrl, visitorClient } from "../platform.js";

export const statusCommand: Command = {
  name: "status",
  usage: "aios status",
  summary: "what runs, on which chain, with which providers",
  description: `Asks the gateway about each service, the chain (id, escrow) and the providers (online, jobs running). Exit code 1
when a service does not answer.`,
  async run(input) {
    const client = visitorClient(input);
    const health = await client.health();
    const [protocol, providers] = await Promise.all([
      client.protocol().catch(() => undefined),
      client.providers().catch(() => undefined),
    ]);
    if (input.json) {
      input.output.write(
        `${JSON.stringify({ url: gatewayUrl(input), health, protocol: protocol ?? null, providers: providers ?? null })}\n`,
      );
    } else {
      const lines = health.services.map(
        (service) => `  ${service.healthy ? "ok  " : "DOWN"}  ${service.name.padEnd(12)} ${service.detail}`,
      );
      const chain =
        protocol === undefined
          ? "unknown"
          : `id ${protocol.chainId}, escrow ${protocol.contracts.JobEscrow ?? "not deployed"}`;
      const who = (providers ?? []).map(
        (provider) =>
          `  ${provider.online ? "on " : "off"}   ${provider.name.padEnd(12)} ${provider.address}, ${provider.runningJobs} running`,
      );
      input.output.write(
        `${gatewayUrl(input)} is ${health.status}\n${lines.join("\n")}\nchain ${chain}\nproviders\n${who.join("\n") || "  none"}\n`,
      );
    }
    return health.status === "ok" ? 0 : 1;
  },
};
