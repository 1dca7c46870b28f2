import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 ** 2;

/** Runs a program to its end; the error of a failed one carries what it wrote last. */
export async function command(program: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, { maxBuffer: MAX_OUTPUT_BYTES });
    return stdout;
  } catch (error) {
    const { stderr = "", stdout = "", message } = error as Error & { stderr?: string; stdout?: string };
    const said = [...stdout.trim().split("\n").slice(-15), ...stderr.trim().split("\n").slice(-15)].join(
      "\n",
    );
    throw new Error(said.trim() === "" ? message : `${program} ${args.slice(0, 3).join(" ")}: ${said}`);
  }
}
