import { isCodedError } from "@aios/kernel/coded-error";
import type { AiosClient } from "@aios/sdk/client";
import { systemClock } from "@aios/service-kit/system-clock";
import { type Finding, ok, problem, warning } from "./finding.js";

const LARGEST_CLOCK_DIFFERENCE_MS = 5_000;
const OLDEST_BLOCK_SECONDS = 120;

/** The services as the gateway sees them. The first finding tells whether a platform answers at all. */
export async function backendFindings(client: AiosClient, url: string): Promise<Finding[]> {
  try {
    const health = await client.health();
    return [
      ok("gateway", `${url} answers, version ${health.version}`),
      ...health.services.map((service) =>
        service.healthy
          ? ok(service.name, service.detail)
          : problem(
              service.name,
              service.detail,
              `Its log says why, and it is started again by itself. Kubernetes: kubectl get pods -l app.kubernetes.io/name=${service.name}, then kubectl logs. One machine: .aios/data/logs; if it stays down, stop the platform and 'npm start' again.`,
            ),
      ),
    ];
  } catch (error) {
    const message = isCodedError(error) ? error.message : String(error);
    return [
      problem(
        "gateway",
        message,
        "One machine: start the platform with 'npm start'. Kubernetes: kubectl get pods -l app.kubernetes.io/name=gateway. Elsewhere: name its address with --url.",
      ),
    ];
  }
}

/** This machine's clock against the gateway's and the chain's. */
export async function clockFindings(
  client: AiosClient,
  url: string,
  now: () => number = () => systemClock.now(),
): Promise<Finding[]> {
  const startedAt = now();
  const answer = await fetch(new URL("/health", url), { signal: AbortSignal.timeout(5_000) });
  await answer.arrayBuffer();
  const halfway = (startedAt + now()) / 2;
  // The Date header has whole seconds.
  const difference = Date.parse(answer.headers.get("date") ?? "") + 500 - halfway;
  const findings: Finding[] = [];
  if (Number.isNaN(difference))
    findings.push(warning("clock", "The gateway tells no time.", "Check what answers at this address."));
  else if (Math.abs(difference) > LARGEST_CLOCK_DIFFERENCE_MS) {
    findings.push(
      problem(
        "clock",
        `This clock is ${Math.round(-difference / 1000)} s off the gateway's.`,
        "Set the clock (NTP): sign-in and deadlines depend on it.",
      ),
    );
  } else findings.push(ok("clock", `within ${LARGEST_CLOCK_DIFFERENCE_MS / 1000} s of the gateway's`));
  const block = await client.rpc.block("latest").catch(() => undefined);
  if (block === undefined || block === null)
    findings.push(problem("chain", "The chain does not answer.", "Look at the consensus service's log."));
  else {
    const ahead = Number(block.timestamp) - now() / 1000;
    const text = `block ${Number(block.number)}, ${Math.round(-ahead)} s old`;
    if (ahead > OLDEST_BLOCK_SECONDS)
      findings.push(
        problem(
          "chain",
          `${text}: chain time is ahead of this clock.`,
          "Set the clock (NTP) and restart the platform.",
        ),
      );
    else findings.push(ok("chain", text));
  }
  return findings;
}
