import { formatAios } from "@aios/kernel/units";
import type { Protocol, Provider } from "@aios/sdk/api-types";
import { type Answered, answered, answerJson } from "../answered.js";
import type { Command, CommandInput } from "../command.js";
import { gatewayUrl, visitorClient } from "../platform.js";

export const statusCommand: Command = {
  name: "status",
  summary: "what runs, on which chain, with which providers",
  description: `Asks the gateway about each service, the chain (id, escrow) and the providers (online, jobs running). What the gateway
does not tell is said to be not known, with its reason. Exit code 1 when a service does not answer, or something is not known.`,
  actions: [
    {
      positionals: [],
      options: {},
      summary: "services, chain and providers",
      example: "status --url https://gateway.example.org",
      run: show,
    },
  ],
};

async function show(input: CommandInput): Promise<number> {
  const client = visitorClient(input);
  const health = await client.health();
  const [protocol, providers] = await Promise.all([
    answered(client.protocol()),
    answered(client.providers()),
  ]);
  const url = gatewayUrl(input);
  if (input.json) {
    const answers = { protocol: answerJson(protocol), providers: answerJson(providers) };
    input.output.write(`${JSON.stringify({ url, health, ...answers })}\n`);
  } else {
    const services = health.services.map(
      (service) => `  ${service.healthy ? "ok  " : "DOWN"}  ${service.name.padEnd(12)} ${service.detail}`,
    );
    const lines = [...services, `chain ${chainText(protocol)}`, "providers", ...providerLines(providers)];
    input.output.write(`${url} is ${health.status}\n${lines.join("\n")}\n`);
  }
  return health.status === "ok" && "known" in protocol && "known" in providers ? 0 : 1;
}

function chainText(protocol: Answered<Protocol>): string {
  if ("error" in protocol) return `not known: ${protocol.error.message}`;
  const { chainId, contracts } = protocol.known;
  return `id ${chainId}, escrow ${contracts.JobEscrow ?? "not deployed"}`;
}

function providerLines(providers: Answered<readonly Provider[]>): readonly string[] {
  if ("error" in providers) return [`  not known: ${providers.error.message}`];
  if (providers.known.length === 0) return ["  none"];
  return providers.known.map(
    (provider) =>
      `  ${provider.online ? "on " : "off"}   ${provider.name.padEnd(12)} ${provider.address}, ${provider.runningJobs} running, ${formatAios(BigInt(provider.stakedWei))} AIOS staked`,
  );
}
