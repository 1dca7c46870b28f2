import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const BOOTSTRAP = fileURLToPath(new URL("../../scripts/bootstrap.mjs", import.meta.url));

const dataUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/** `node:fs` as it was before 18.15. */
const OLD_FILE_SYSTEM = dataUrl(`
  const { statfs, statfsSync, ...old } = process.getBuiltinModule("node:fs");
  export const { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } = old;
  export default old;`);

/** `npm <command>` as it starts under a Node of this version. */
function bootstrap(command: string, nodeVersion: string): { status: number | null; output: string } {
  const pretend = `
    import { registerHooks } from "node:module";
    Object.defineProperty(process.versions, "node", { value: "${nodeVersion}" });
    if (Number.parseInt("${nodeVersion}", 10) < 18) registerHooks({
      resolve: (specifier, context, next) => specifier === "node:fs"
        ? { url: "${OLD_FILE_SYSTEM}", shortCircuit: true }
        : next(specifier, context),
    });`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", dataUrl(pretend), BOOTSTRAP, command],
    { encoding: "utf8", timeout: 30_000 },
  );
  return { status, output: `${stdout}${stderr}` };
}

test.each(["14.21.3", "16.20.2", "18.20.0", "20.18.3"])(
  "says at once that Node %s is too old, and which one is needed",
  (version) => {
    const { status, output } = bootstrap("start", version);
    expect(status).toBe(1);
    expect(output).toContain(`Node 20.19 or newer is needed, this is ${version}`);
    expect(output).not.toMatch(/\n\s+at /);
  },
);

test("says which commands there are when it is asked for another", () => {
  const { status, output } = bootstrap("strat", "20.19.0");
  expect(status).toBe(1);
  expect(output).toMatch(/unknown command 'strat'\. There are: start, .*test/);
});
