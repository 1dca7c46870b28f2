import { isCodedError } from "@aios/kernel/coded-error";
import { MainJob } from "@aios/main-job/main-job";
import { TerminalReport } from "@aios/main-job/terminal-report";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";
import { systemClock } from "@aios/service-kit/system-clock";
import type { AccountName } from "./identities.js";
import type { Platform } from "./platform.js";

/**
 * Runs the main job as the network's developer and business. False, with the reason told, when it did not go through;
 * what becomes of it once the platform stops is not told.
 */
export async function runLocalMainJob(
  platform: Pick<Platform, "gatewayUrl" | "privateKey">,
  out: NodeJS.WriteStream,
  {
    providers = 2,
    retries,
    stopped,
  }: {
    readonly providers?: number;
    /** How often a request is repeated while the platform says to come back; the SDK's number where absent. */
    readonly retries?: number;
    readonly stopped?: Promise<void>;
  } = {},
): Promise<boolean> {
  let stopping = false;
  void stopped?.then(() => {
    stopping = true;
  });
  const party = (name: AccountName): AiosClient =>
    new AiosClient({
      baseUrl: platform.gatewayUrl,
      signer: privateKeySigner(platform.privateKey(name)),
      ...(retries === undefined ? {} : { retries }),
    });
  const startedAt = systemClock.now();
  const mainJob = new MainJob(
    { developer: party("developer"), business: party("business") },
    new TerminalReport(out),
    systemClock,
  );
  try {
    const result = await mainJob.run({ providers, digitIndex: startedAt % 2_000 });
    const right = result.inference.prediction === result.truth ? "right" : "wrong, as a model may be";
    out.write(
      `\nThe main job went through in ${((systemClock.now() - startedAt) / 1000).toFixed(1)} s: ` +
        `the proven prediction is ${result.inference.prediction} (${right}).\n` +
        `Check all of it again from outside:\n  npm run aios -- verify ${result.inference.job.jobId}\n`,
    );
    return true;
  } catch (error) {
    if (stopping) return false;
    out.write(`\nThe main job did not go through: ${(error as Error).message}\n`);
    if (isCodedError(error)) out.write(`  code ${error.code}\n  details ${JSON.stringify(error.details)}\n`);
    return false;
  }
}
