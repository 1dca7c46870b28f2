import type { OperatedService } from "@aios/sdk/operations-types";
import { systemClock } from "@aios/service-kit/system-clock";
import type { Kubectl } from "../../kubernetes/kubectl.js";
import { answerOf, healthOf, silence } from "./process-answer.js";

const ASK_TIMEOUT_MS = 10_000;

/** Asks one pod at its health port, by a forwarded port of this machine. Never throws: a silent pod says why. */
export async function askPod(
  kubectl: Pick<Kubectl, "forwarded">,
  pod: string,
  port: number,
): Promise<OperatedService> {
  try {
    return await kubectl.forwarded(`pod/${pod}`, port, (here) => askAt(pod, `http://127.0.0.1:${here}`));
  } catch (error) {
    return silence(pod, error instanceof Error ? error.message : String(error));
  }
}

async function askAt(pod: string, address: string): Promise<OperatedService> {
  const ask = (path: string): Promise<Response> =>
    fetch(`${address}${path}`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  // The first call pays for the connection, which the clocks' comparison should not.
  const health = await ask("/health");
  const healthBody: unknown = await health.json();
  const startedAtMs = systemClock.now();
  const answer = await ask("/process");
  const body: unknown = await answer.json().catch(() => undefined);
  const asked = { startedAtMs, endedAtMs: systemClock.now() };
  return answer.ok ? answerOf(pod, body, asked) : healthOf(pod, healthBody);
}
