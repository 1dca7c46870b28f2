import { chrome } from "@aios/testkit/chrome";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakePlatform } from "./support/fake-platform.js";
import { expectAccessible, shoot } from "./support/page-checks.js";
import { PROOF_FILE } from "./support/proof-fixture.js";

describe.skipIf(chrome === undefined)(
  `the page of proofs in a browser${chrome === undefined ? " (skipped: no Chromium found; set CHROME_PATH)" : ""}`,
  () => {
    const platform = new FakePlatform();
    let browser: Browser;
    let page: Page;
    let url: string;
    const asked: string[] = [];

    beforeAll(async () => {
      url = `${await platform.start()}proof`;
      browser = await chromium.launch({ executablePath: chrome ?? "", args: ["--no-sandbox"] });
    });
    afterAll(async () => {
      await browser?.close();
      platform.stop();
    });
    beforeEach(async () => {
      await page?.context().close();
      page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
      asked.length = 0;
      page.on("request", (request) => {
        if (new URL(request.url()).pathname.startsWith("/v1/")) asked.push(request.url());
      });
    });

    const file = (text: string, name = "proof.json") => ({
      name,
      mimeType: "application/json",
      buffer: Buffer.from(text),
    });

    it.each([
      ["desktop", 1280, "light"],
      ["desktop", 1280, "dark"],
      ["phone", 390, "light"],
      ["phone", 390, "dark"],
    ] as const)("says what a proof shows, and asks nobody (%s, %i px, %s)", async (name, width, theme) => {
      await page.setViewportSize({ width, height: 844 });
      await page.goto(url);
      if (theme === "dark") await page.getByRole("button", { name: "Switch to the dark theme" }).click();
      await expectAccessible(page);
      await page.setInputFiles("input[type=file]", file(PROOF_FILE));
      await page.getByText("The proof in proof.json holds.").waitFor();
      await page.getByText(/The model with commitment 0xc0c0/).waitFor();
      await page.getByText(/forgeable by whoever made it/).waitFor();
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
      await expectAccessible(page);
      await shoot(page, `proof-${name}-${theme}`);
      expect(asked).toEqual([]);
    });

    it("says of a changed proof that it says nothing, and of another file what is wrong with it", async () => {
      await page.goto(url);
      const changed = JSON.parse(PROOF_FILE) as { publicInputs: string[] };
      changed.publicInputs[2] = `0x${"00".repeat(31)}2b`;
      await page.setInputFiles("input[type=file]", file(JSON.stringify(changed), "changed.json"));
      await page.getByText("The proof in changed.json does not hold. It says nothing.").waitFor();
      await expectAccessible(page);
      await shoot(page, "proof-changed");
      await page.setInputFiles("input[type=file]", file("{}", "other.json"));
      await page.getByText(/other.json: This is no proof that can be read here/).waitFor();
    });

    it("takes a file that is dropped, and by keyboard", async () => {
      await page.goto(url);
      const dropped = await page.evaluateHandle((text) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], "dropped.json", { type: "application/json" }));
        return transfer;
      }, PROOF_FILE);
      await page.dispatchEvent(".drop", "drop", { dataTransfer: dropped });
      await page.getByText("The proof in dropped.json holds.").waitFor();
      await page.keyboard.press("Tab");
      const chooser = page.locator("input[type=file]");
      await chooser.focus();
      expect(await chooser.evaluate((element) => element === document.activeElement)).toBe(true);
    });
  },
);
