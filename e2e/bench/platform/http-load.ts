// Reads one address from a process of its own, over connections that stay open, each asking again once answered.
import { Agent, request } from "node:http";

/** What the load tells its parent when it is over. */
export interface HttpLoadReport {
  readonly latenciesMs: readonly number[];
  /** Answers that were not 200. */
  readonly failures: number;
}

const CONNECTIONS = 4;
const WARM_UP_READS = 200;
const [, , url, seconds] = process.argv;

if (process.send !== undefined && url !== undefined) {
  await readFor(url, (_elapsedMs, reads) => reads < WARM_UP_READS);
  process.send(await readFor(url, (elapsedMs) => elapsedMs < Number(seconds) * 1_000));
  process.disconnect();
}

async function readFor(
  address: string,
  goesOn: (elapsedMs: number, reads: number) => boolean,
): Promise<HttpLoadReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latenciesMs: number[] = [];
  let failures = 0;
  const startedAt = performance.now();
  const reader = async (): Promise<void> => {
    while (goesOn(performance.now() - startedAt, latenciesMs.length)) {
      const askedAt = performance.now();
      if ((await read(address, agent)) !== 200) failures += 1;
      latenciesMs.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, reader));
  agent.destroy();
  return { latenciesMs, failures };
}

function read(address: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(address, { agent }, (answer) => {
      answer.once("end", () => resolve(answer.statusCode));
      answer.resume();
    });
    call.once("error", reject);
    call.end();
  });
}
