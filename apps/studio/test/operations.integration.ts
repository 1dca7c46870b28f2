import { chrome } from "@aios/testkit/chrome";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakePlatform } from "./support/fake-platform.js";
import { expectAccessible, pageProblems, shoot } from "./support/page-checks.js";

describe.skipIf(chrome === undefined)(
  `the page of operations in a browser${chrome === undefined ? " (skipped: no Chromium found; set CHROME_PATH)" : ""}`,
  () => {
    const platform = new FakePlatform();
    let browser: Browser;
    let page: Page;
    let url: string;

    beforeAll(async () => {
      url = `${await platform.start()}operations`;
      browser = await chromium.launch({ executablePath: chrome ?? "", args: ["--no-sandbox"] });
    });
    afterAll(async () => {
      await browser?.close();
      platform.stop();
    });
    beforeEach(async () => {
      platform.mood = "full";
      platform.operator = true;
      await page?.context().close();
      page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    });

    it.each([
      ["desktop", 1280, "light"],
      ["desktop", 1280, "dark"],
      ["phone", 390, "light"],
      ["phone", 390, "dark"],
    ] as const)("shows how everything is (%s, %i px, %s)", async (name, width, theme) => {
      const problems = pageProblems(page);
      await page.setViewportSize({ width, height: 844 });
      await page.goto(url);
      if (theme === "dark") await page.getByRole("button", { name: "Switch to the dark theme" }).click();
      await page.getByText("7 of 8").waitFor();
      await page.getByText("scoring cannot be reached just now").waitFor();
      await page.getByText("runs 0.0.9, the gateway 0.1.0").waitFor();
      await page.getByText("1 burning").waitFor();
      await page.getByText("proofs asked for and not made").waitFor();
      await page.getByRole("button", { name: /zk-prover prove/ }).waitFor();
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
      await expectAccessible(page);
      await shoot(page, `operations-${name}-${theme}`);
      expect(problems).toEqual([]);
    });

    it("opens a span by keyboard, and shows the statements when asked", async () => {
      await page.goto(url);
      const failed = page.getByRole("button", { name: /broadcast transaction.*410 ms/ });
      await failed.focus();
      await page.keyboard.press("Enter");
      await page.getByText("The node did not answer; the transaction is sent again.").waitFor();
      await page.getByRole("checkbox", { name: "Database statements (1)" }).check();
      await page.getByRole("button", { name: /postgres INSERT/ }).waitFor();
      await expectAccessible(page);
      await shoot(page, "operations-span");
    });

    it("says that an operator has to sign in, and how without a wallet", async () => {
      platform.operator = false;
      await page.goto(url);
      await page.getByRole("heading", { name: "For operators" }).waitFor();
      await page.getByText("This browser has no wallet").waitFor();
      await expectAccessible(page);
      await shoot(page, "operations-sign-in");
    });

    it("keeps the last reading when the gateway goes away, and says how old it is", async () => {
      await page.goto(url);
      await page.getByText("7 of 8").waitFor();
      platform.mood = "broken";
      await page.getByText(/this is how it was/).waitFor();
      await page.getByText("7 of 8").waitFor();
      await expectAccessible(page);
    });

    it("says what is loading", async () => {
      platform.mood = "silent";
      await page.goto(url);
      await page.getByText("Asking every service…").waitFor();
      await expectAccessible(page);
    });
  },
);
