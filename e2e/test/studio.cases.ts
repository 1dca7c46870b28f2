import { exportProof } from "@aios/sdk/verification/export-proof";
import { verdictOf } from "@aios/sdk/verification/verification-report";
import { chrome } from "@aios/testkit/chrome";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SoldInference } from "../src/sold-inference.js";

/** The chain's proofs and events come at their own pace. */
const PATIENCE = { timeout: 60_000 };

/** The studio's pages, served by the gateway of a platform that sold an inference, in a browser. */
export function studioCases(sold: () => SoldInference): void {
  describe.skipIf(chrome === undefined)(
    `the studio in a browser${chrome === undefined ? " (skipped: no Chromium found; set CHROME_PATH)" : ""}`,
    { timeout: 180_000 },
    () => {
      let browser: Browser;
      let page: Page;
      const problems: string[] = [];
      beforeAll(async () => {
        browser = await chromium.launch({ executablePath: chrome ?? "", args: ["--no-sandbox"] });
        page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
        page.on("pageerror", ({ message }) => problems.push(message));
        page.on("console", (message) => {
          // Chromium reports every refusal, such as of a permit that another order overtook, which the page signs anew.
          const isRefusal = message.text().startsWith("Failed to load resource");
          if (message.type() === "error" && !isRefusal) problems.push(message.text());
        });
      });
      afterAll(async () => {
        await browser?.close();
      });

      test("starts a proven inference, shows each step as it happens, and what the model read", async () => {
        await page.goto(sold().local.url);
        const start = page.getByRole("button", { name: "Run a proven inference" });
        await expect.poll(() => start.isEnabled(), PATIENCE).toBe(true);
        await start.click();
        const steps = page.getByRole("list", { name: "Steps of the job" });
        const shown: number[] = [];
        for (const step of ["Prepared", "Funded", "Leased", "Delivered", "Proven", "Settled"]) {
          await steps.locator("li.done").getByText(step, { exact: true }).waitFor(PATIENCE);
          shown.push(await steps.locator("li.done").count());
        }
        // Live: the first step was there before the last one.
        expect(shown[0]).toBeLessThan(shown.at(-1) as number);
        await page.getByText(/^The model reads a \d\.$/).waitFor(PATIENCE);
      });

      test("checks the job again in the browser: proof, payments, receipt, certificate", async () => {
        // Receipt and certificate follow the settlement: whoever is too early verifies again.
        const verified = async (): Promise<string> => {
          await page.getByRole("button", { name: /^Verify (?:in your browser|again)$/ }).click();
          return page.locator(".verdict-line").innerText(PATIENCE);
        };
        await expect.poll(verified, PATIENCE).toBe(verdictOf({ ok: true, checks: [], missing: [] }));
        const checks = page.locator(".checks > li");
        expect(await checks.count()).toBeGreaterThan(5);
        expect(await page.locator(".checks > li.bad").allInnerTexts()).toEqual([]);
        for (const check of ["Proof", "Payments", "Finality"])
          await page.locator(".checks > li.good").getByText(check, { exact: true }).waitFor(PATIENCE);
        expect(await page.locator(".trusted").innerText()).toContain("development");
      });

      test("opens the settling transaction in the explorer, among the blocks of the chain", async () => {
        const settled = page.locator(".timeline li.done").filter({ hasText: "Settled" });
        await settled.getByRole("button", { name: /^Transaction 0x/ }).click();
        const details = page.getByRole("region", { name: "Transaction" });
        await details.getByText("succeeded", { exact: true }).waitFor(PATIENCE);
        const { contracts } = await sold().business.protocol();
        await details.getByText(contracts["JobEscrow"] as string).waitFor();
        expect(await page.locator("#explorer ul.rows > li").count()).toBe(8);
      });

      test("draws the chain of the honor nodes", async () => {
        await page.goto(`${sold().local.url}/chain`);
        await page.getByText(/^3 make a quorum/).waitFor(PATIENCE);
        await page.locator("button.dag-block").first().waitFor(PATIENCE);
        await page
          .getByText(/^[34] of 4 signed/)
          .first()
          .waitFor(PATIENCE);
      });

      test("reads a proof file of the job, and asks nobody", async () => {
        const { business, local, result } = sold();
        const file = await exportProof(business, result.inference.job.jobId);
        await page.goto(`${local.url}/proof`);
        const asked: string[] = [];
        page.on("request", (request) => {
          if (new URL(request.url()).pathname.startsWith("/v1/")) asked.push(request.url());
        });
        await page.setInputFiles("input[type=file]", {
          name: "proof.json",
          mimeType: "application/json",
          buffer: Buffer.from(file),
        });
        await page.getByText("The proof in proof.json holds.").waitFor(PATIENCE);
        expect(asked).toEqual([]);
        expect(problems).toEqual([]);
      });
    },
  );
}
