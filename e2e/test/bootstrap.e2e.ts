import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const BOOTSTRAP = fileURLToPath(new URL("../../scripts/bootstrap.mjs", import.meta.url));

/** `npm <command>` as it starts under a Node of this version. */
function bootstrap(command: string, nodeVersion: string): { status: number | null; output: string } {
  const pretend = `Object.defineProperty(process.versions, "node", { value: "${nodeVersion}" })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, BOOTSTRAP, command],
    { encoding: "utf8", timeout: 30_000 },
  );
  return { status, output: `${stdout}${stderr}` };
}

test.each(["18.20.0", "20.18.3"])(
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
