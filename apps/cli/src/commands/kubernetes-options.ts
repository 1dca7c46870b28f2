import { CodedError } from "@aios/kernel/coded-error";
import { systemClock } from "@aios/service-kit/system-clock";
import type { CommandInput } from "../command.js";
import { Helm } from "../kubernetes/helm.js";
import { Kubectl } from "../kubernetes/kubectl.js";
import type { Operation } from "../kubernetes/operation.js";
import { InstalledProgram, type Program } from "../kubernetes/program.js";

export const RELEASE_OPTIONS = {
  namespace: { value: "<name>", summary: "where the release is (default: aios)" },
  release: { value: "<name>", summary: "its name (default: aios)" },
  context: { value: "<name>", summary: "kubectl's context (default: its current one)" },
  plan: { summary: "only says what would be done" },
} as const;

/** What ends a program in the middle of its work: a Ctrl-C, a terminal that is closed, a reader of the output that goes. */
const ENDS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const;

/** Runs `work` on the release that the options name; what would end the program lets it put things in order first. */
export async function onRelease<T>(
  { options, json, output }: CommandInput,
  work: (operation: Operation) => Promise<T>,
): Promise<T> {
  const { namespace = "aios", release = "aios", context } = options;
  const target = { namespace, context };
  const program = (name: string, signal: AbortSignal) => operatorsProgram(name, output.env, signal);
  const say = (line: string): void => (json ? output.writeError(`${line}\n`) : output.write(`${line}\n`));
  return interruptible((signal) =>
    work({
      kubectl: new Kubectl(program("kubectl", signal), target),
      cleaner: new Kubectl(program("kubectl", new AbortController().signal), target),
      helm: new Helm(program("helm", signal), target, release),
      namespace,
      release,
      clock: systemClock,
      say,
    }),
  );
}

/** One of the operator's. It, and the plugins that sign it in, have no use for what seals a backup. */
export function operatorsProgram(
  name: string,
  { AIOS_BACKUP_PASSPHRASE: _sealing, ...env }: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Program {
  return new InstalledProgram(name, env, signal);
}

/** Runs `work` with a signal for what would end the program. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const interrupt = (): void => abort.abort(interrupted());
  for (const signal of ENDS) process.on(signal, interrupt);
  try {
    return await work(abort.signal);
  } finally {
    for (const signal of ENDS) process.off(signal, interrupt);
  }
}

const interrupted = (): CodedError =>
  new CodedError({
    code: "interrupted",
    kind: "conflict",
    message: "Interrupted.",
  });
