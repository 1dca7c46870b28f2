import { chrome } from "@aios/testkit/chrome";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakePlatform } from "./support/fake-platform.js";
import { expectAccessible, shoot } from "./support/page-checks.js";
import { HONK_PROOF_FILE, PROOF_FILE } from "./support/proof-fixture.js";

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

    /** Drags a file with this text into the page. */
    const drop = async (text: string, name: string): Promise<void> => {
      const dropped = await page.evaluateHandle(
        ([content, file]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([content as string], file as string, { type: "application/json" }));
          return transfer;
        },
        [text, name],
      );
      await page.dispatchEvent(".drop", "drop", { dataTransfer: dropped });
    };

    it("says of a dropped UltraHonk proof what it shows, by which system, and who could forge it", async () => {
      await page.goto(url);
      await drop(HONK_PROOF_FILE, "honk.json");
      await page.getByText("The proof in honk.json holds.").waitFor();
      await page.getByText(/The model with commitment 0xc0c0/).waitFor();
      await page
        .getByText(/UltraHonk/)
        .first()
        .waitFor();
      await page
        .getByText(/forgeable by anybody: the development reference string's secret is two/)
        .waitFor();
      await page.getByText(/tau·G2/).waitFor();
      await expectAccessible(page);
      await shoot(page, "proof-honk");
      expect(asked).toEqual([]);
    });

    it.each([
      [
        "whose bytes are changed",
        {
          proof: (hex: string) =>
            `${hex.slice(0, 3_000)}${hex[3_000] === "0" ? "1" : "0"}${hex.slice(3_001)}`,
        },
      ],
      [
        "for another output",
        { publicInputs: (all: string[]) => [...all.slice(0, 2), `0x${"00".repeat(31)}2b`] },
      ],
      ["that is cut short", { proof: (hex: string) => hex.slice(0, -64) }],
    ] as const)("says of an UltraHonk proof %s that it says nothing", async (_, changes) => {
      await page.goto(url);
      const document = JSON.parse(HONK_PROOF_FILE) as Record<string, unknown>;
      for (const [member, change] of Object.entries(changes))
        document[member] = (change as (value: unknown) => unknown)(document[member]);
      await drop(JSON.stringify(document), "bad.json");
      await page.getByText("The proof in bad.json does not hold. It says nothing.").waitFor();
      expect(await page.getByText("What it says").count()).toBe(0);
      await expectAccessible(page);
    });

    it("takes a file that is dropped, and by keyboard", async () => {
      await page.goto(url);
      await drop(PROOF_FILE, "dropped.json");
      await page.getByText("The proof in dropped.json holds.").waitFor();
      await page.keyboard.press("Tab");
      const chooser = page.locator("input[type=file]");
      await chooser.focus();
      expect(await chooser.evaluate((element) => element === document.activeElement)).toBe(true);
    });
  },
);
