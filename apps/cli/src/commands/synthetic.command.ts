import { syntheticInference } from "@aios/main-job/synthetic-inference";
import { duration, hostPort } from "@aios/service-kit/config";
import { systemClock } from "@aios/service-kit/system-clock";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { optionOf } from "../option-value.js";
import { accountClient } from "../platform.js";
import { serveSynthetic } from "../synthetic/serve-synthetic.js";
import { SyntheticCheck, type SyntheticOutcome } from "../synthetic/synthetic-check.js";

const EVERY = "5m";
const WITHIN = "3m";
const LISTEN = "127.0.0.1:9464";

export const syntheticCommand: Command = {
  name: "synthetic",
  summary: "buy a proven inference again and again, and export how it goes",
  description: `Does what every buyer depends on, with an account of its own: a licence where it has none, an inference with a proof,
its settlement, and all of its evidence checked again from outside. Prometheus reads success, duration and the time of the
last success at --listen, under /metrics. Each run costs what such an inference costs.`,
  actions: [
    {
      positionals: [],
      options: {
        every: { value: "<time>", summary: `from the start of a run to the next (${EVERY})` },
        within: { value: "<time>", summary: `a run that takes longer has failed (${WITHIN})` },
        listen: { value: "<address>", summary: `where metrics are, host:port (${LISTEN})` },
        model: {
          value: "<id>",
          summary: "the model to ask (default: the newest published one; it must read 28×28 digits)",
        },
        once: { summary: "one run, no metrics; exit code 0 when it succeeded, else 1" },
      },
      summary: "one line a run",
      example: "synthetic --key-file buyer.key --every 5m --listen 0.0.0.0:9464",
      run: watch,
    },
  ],
};

async function watch(input: CommandInput): Promise<number> {
  const { options } = input;
  const client = await accountClient(input);
  const modelId = options.model === undefined ? undefined : modelIdOf(options.model);
  const check = new SyntheticCheck({
    act: () => syntheticInference(client, { modelId, digitIndex: systemClock.now() % 100_000 }),
    clock: systemClock,
    everyMs: optionOf("every", duration, options.every ?? EVERY),
    withinMs: optionOf("within", duration, options.within ?? WITHIN),
    onOutcome: (outcome) => tell(input, outcome),
  });
  if (input.switches.has("once")) return (await check.once()).ok ? 0 : 1;
  await serveSynthetic(check, optionOf("listen", hostPort, options.listen ?? LISTEN), (line) =>
    input.output.writeError(`${line}\n`),
  );
  return 0;
}

function tell({ json, output }: CommandInput, outcome: SyntheticOutcome): void {
  const { ok, tookMs, detail, errorCode } = outcome;
  const at = new Date(systemClock.now()).toISOString();
  const text = ok
    ? `ok      ${(tookMs / 1_000).toFixed(1)} s  job ${detail}`
    : `FAILED  ${errorCode}: ${detail}`;
  output.write(json ? `${JSON.stringify({ at, ok, tookMs, detail, errorCode })}\n` : `${at}  ${text}\n`);
}

function modelIdOf(text: string): number {
  if (/^[1-9][0-9]{0,15}$/.test(text)) return Number(text);
  throw new UsageError(`--model must be a model's id, not '${text}'.`);
}
