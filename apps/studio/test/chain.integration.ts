import { chrome } from "@aios/testkit/chrome";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakePlatform } from "./support/fake-platform.js";
import { expectAccessible, pageProblems, shoot } from "./support/page-checks.js";

describe.skipIf(chrome === undefined)(
  `the page of the chain in a browser${chrome === undefined ? " (skipped: no Chromium found; set CHROME_PATH)" : ""}`,
  () => {
    const platform = new FakePlatform();
    let browser: Browser;
    let page: Page;
    let url: string;

    beforeAll(async () => {
      url = `${await platform.start()}chain`;
      browser = await chromium.launch({ executablePath: chrome ?? "", args: ["--no-sandbox"] });
    });
    afterAll(async () => {
      await browser?.close();
      platform.stop();
    });
    beforeEach(async () => {
      platform.mood = "full";
      platform.honorNodes = 4;
      await page?.context().close();
      page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    });

    it.each([
      ["desktop", 1280, "light", 4],
      ["desktop", 1280, "dark", 21],
      ["phone", 390, "light", 21],
      ["phone", 390, "dark", 4],
    ] as const)(
      "draws the DAG and who certified it (%s, %i px, %s, %i nodes)",
      async (name, width, theme, nodes) => {
        platform.honorNodes = nodes;
        const problems = pageProblems(page);
        await page.setViewportSize({ width, height: 844 });
        await page.goto(url);
        if (theme === "dark") await page.getByRole("button", { name: "Switch to the dark theme" }).click();
        const quorum = Math.floor((2 * nodes) / 3) + 1;
        await page.getByText(`${quorum} make a quorum · ${nodes} connected`).waitFor();
        await page.getByText("state attested · 1 behind the latest").waitFor();
        await page.getByText("from block to certificate 74 ms, p95 141 ms").waitFor();
        await page
          .getByRole("button", { name: /: blue, on the selected chain, ordered by checkpoint/ })
          .first()
          .waitFor();
        await page
          .getByText(new RegExp(`^${quorum} of ${nodes} signed, without seats? `))
          .first()
          .waitFor();
        await page
          .getByText(/attests the state after/)
          .first()
          .waitFor();
        if (nodes === 21) await page.getByRole("rowheader", { name: "Group 6" }).waitFor();
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow).toBe(0);
        await page.getByRole("button", { name: "Pause" }).click();
        await expectAccessible(page);
        await shoot(page, `chain-${name}-${theme}`);
        expect(problems).toEqual([]);
      },
    );

    it("tells by keyboard what a block holds, and stands still meanwhile", async () => {
      await page.goto(url);
      const blocks = page.locator("button.dag-block");
      await blocks.first().waitFor();
      await page.locator('button.dag-block[tabindex="0"]').focus();
      await page.keyboard.press("ArrowLeft");
      await page.getByRole("region", { name: "Block" }).getByText("blue score").waitFor();
      const held = await page.locator('button.dag-block[aria-pressed="true"]').getAttribute("aria-label");
      await page.keyboard.press("ArrowUp");
      const above = page.locator('button.dag-block[aria-pressed="true"]');
      expect(await above.getAttribute("aria-label")).not.toBe(held);
      await page.getByRole("button", { name: "Go on" }).waitFor();
      await expectAccessible(page);
      await shoot(page, "chain-block");
      await above.press("Escape");
      await page.getByRole("button", { name: "Pause" }).waitFor();
    });

    it("shows which blocks are red, and grows by itself", async () => {
      await page.goto(url);
      await page
        .getByRole("button", { name: /red: ordered/ })
        .first()
        .waitFor();
      const newest = (): Promise<string | null> =>
        page.locator("button.dag-block").last().getAttribute("aria-label");
      const before = await newest();
      await expect.poll(newest, { timeout: 10_000 }).not.toBe(before);
    });

    it("says plainly when one node makes the chain", async () => {
      platform.honorNodes = 1;
      await page.goto(url);
      await page.getByRole("heading", { name: "One node makes this chain" }).waitFor();
      await expectAccessible(page);
      await shoot(page, "chain-one-producer");
    });

    it("keeps the last reading when the gateway goes away, and says so", async () => {
      await page.goto(url);
      await page.locator("button.dag-block").first().waitFor();
      platform.mood = "broken";
      await page.getByText(/this is how it was last/).waitFor();
      await page.locator("button.dag-block").first().waitFor();
      await expectAccessible(page);
    });

    it("says what is loading", async () => {
      platform.mood = "silent";
      await page.goto(url);
      await page.getByText("Asking the chain…").waitFor();
      await expectAccessible(page);
    });
  },
);
