import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { digitAt } from "@aios/datasets/labelled-digits";
import { SERVICES } from "@aios/service-kit/local-instance";
import { describe, expect, test } from "vitest";
import type { SoldInference } from "../src/sold-inference.js";

const CLI = new URL("../../apps/cli/dist/src/main.js", import.meta.url).pathname;

/** What `aios` tells of a sold inference. */
export function commandLineCases(sold: () => SoldInference): void {
  describe("aios, from the command line", () => {
    /** The program as a user runs it, for the buyer's account. */
    function aios(...args: string[]): Promise<{ code: number; output: string }> {
      const env = {
        PATH: process.env["PATH"],
        AIOS_URL: sold().local.url,
        AIOS_KEY_FILE: sold().local.platform.identities.accounts.business.keyFile,
      };
      return new Promise((resolve) => {
        const child = execFile(process.execPath, [CLI, ...args], { env }, (_error, stdout, stderr) =>
          resolve({ code: child.exitCode ?? -1, output: `${stdout}${stderr}` }),
        );
      });
    }

    test("status says what runs and who works", async () => {
      const { code, output } = await aios("status");
      expect(output).toContain(`${sold().local.url} is ok`);
      for (const service of SERVICES.filter((name) => name !== "gateway" && name !== "consensus"))
        expect(output).toMatch(new RegExp(`ok +${service}`));
      for (const provider of [1, 2]) expect(output).toMatch(new RegExp(`on +local provider ${provider}`));
      expect(code).toBe(0);
    });

    test("doctor finds nothing wrong with what it asks the platform about", async () => {
      const { output } = await aios("doctor", "--json");
      const { findings } = JSON.parse(output) as { findings: { name: string; state: string }[] };
      // Memory and disk are this machine's, not the platform's.
      const judged = findings.filter(({ name }) => !["memory", "disk"].includes(name));
      expect(judged.map(({ name }) => name)).toEqual(expect.arrayContaining(["gateway", "clock", "chain"]));
      // How fast the gateway answers is a matter of the machine.
      const faults = judged.filter(({ name, state }) => name !== "objectives" && state !== "ok");
      expect(faults).toEqual([]);
    });

    test("job tells its steps, its money and why this provider; job list has it", async () => {
      const { jobId } = sold().result.inference.job;
      const { code, output } = await aios("job", jobId);
      expect(code).toBe(0);
      expect(output).toMatch(
        /steps\n[\s\S]*settled +0x[0-9a-f]{64} +\d+ gas[\s\S]*money\n[\s\S]*placement\n[\s\S]*chosen/,
      );
      expect((await aios("job", "list")).output).toContain(jobId);
    });

    test("verify checks the whole evidence, the input's too, and notices another input", async () => {
      const { job, prepared } = sold().result.inference;
      const input = join(sold().local.dataDir, "digit.bin");
      const check = () => aios("verify", job.jobId, "--input", input, "--salt", prepared.inputSalt as string);
      writeFileSync(input, digitAt(sold().unseen, 7));
      const { code, output } = await check();
      expect(output).toContain("Everything that can be checked holds.");
      expect(output).toMatch(/ok +input\n/);
      expect(output).toContain("What had to be trusted:");
      expect(code).toBe(0);
      writeFileSync(input, digitAt(sold().unseen, 8));
      const other = await check();
      expect(other.output).toMatch(/WRONG +input\n/);
      expect(other.code).toBe(1);
    });

    test("a job that nobody knows: named, without a stack trace, exit code 1", async () => {
      const { code, output } = await aios("verify", `0x${"12".repeat(32)}`);
      expect(output).toMatch(/^aios: .+\n$/);
      expect(code).toBe(1);
    });
  });
}
