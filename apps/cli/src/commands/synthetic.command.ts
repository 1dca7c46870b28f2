import { syntheticInference } from "@aios/main-job/synthetic-inference";
import { duration, hostPort } from "@aios/service-kit/config";
import { systemClock } from "@aios/service-kit/system-clock";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { accountClient } from "../platform.js";
import { serveSynthetic } from "../synthetic/serve-synthetic.js";
import { SyntheticCheck, type SyntheticOutcome } from "../synthetic/synthetic-check.js";

const EVERY = "5m";
const WITHIN = "3m";
const LISTEN = "127.0.0.1:9464";

export const syntheticCommand: Command = {
  name: "synthetic",
  usage: "aios synthetic [--every 5m] [--once]",
  summary: "buy a proven inference again and again, and export how it goes",
  description: `Does what every buyer depends on, with an account of its own: a licence where it has none, an inference with a proof,
its settlement, and all of its evidence checked again from outside. Prometheus reads success, duration and the time of the
last success at --listen, under /metrics. Each run costs what such an inference costs.

  --every <time>     from the start of a run to the next (${EVERY})
  --within <time>    a run that takes longer has failed (${WITHIN})
  --listen <address> where metrics are, host:port (${LISTEN})
  --model <id>       the model to ask (default: the newest published one; it must read 28×28 digits)
  --once             one run, no metrics; exit code 0 when it succeeded, else 1`,
  async run(input) {
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
    if (input.once) return (await check.once()).ok ? 0 : 1;
    await serveSynthetic(check, optionOf("listen", hostPort, options.listen ?? LISTEN), (line) =>
      input.output.writeError(`${line}\n`),
    );
    return 0;
  },
};

function tell({ json, output }: CommandInput, outcome: SyntheticOutcome): void {
  const { ok, tookMs, detail, errorCode } = outcome;
  const at = new Date(systemClock.now()).toISOString();
  const text = ok
    ? `ok      ${(tookMs / 1_000).toFixed(1)} s  job ${detail}`
    : `FAILED  ${errorCode}: ${detail}`;
  output.write(json ? `${JSON.stringify({ at, ok, tookMs, detail, errorCode })}\n` : `${at}  ${text}\n`);
}

type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: readonly { readonly message: string }[] } };

function optionOf<T>(option: string, schema: { safeParse(given: unknown): Parsed<T> }, text: string): T {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--${option} '${text}': ${parsed.error.issues[0]?.message ?? "cannot be read"}.`);
}

function modelIdOf(text: string): number {
  if (/^[1-9][0-9]{0,15}$/.test(text)) return Number(text);
  throw new UsageError(`--model must be a model's id, not '${text}'.`);
}
