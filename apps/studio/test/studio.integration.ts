import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { chrome } from "@aios/testkit/chrome";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakePlatform } from "./support/fake-platform.js";
import { expectAccessible, pageProblems, shoot } from "./support/page-checks.js";

const dist = join(import.meta.dirname, "..", "dist");
const FIRST_LOAD_BYTES = 250 * 1024;

describe("the built page", () => {
  // What a page names it loads at once; code to verify with comes when somebody verifies.
  it.each(["index", "chain", "operations", "proof"])("%s is small enough to load at once", async (page) => {
    const html = await readFile(join(dist, `${page}.html`), "utf8");
    const files = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, file]) => file as string);
    expect(files.length).toBeGreaterThan(1);
    let bytes = gzipSync(html).length;
    for (const file of files) bytes += gzipSync(await readFile(join(dist, file))).length;
    expect(bytes).toBeLessThan(FIRST_LOAD_BYTES);
  });

  it.each(["proof-document", "verify-job"])(
    "%s comes without UltraHonk's verifier, which only its proofs need",
    async (name) => {
      const all = await readdir(join(dist, "assets"));
      const named = (chunk: string) =>
        all.find((file) => file.startsWith(`${chunk}-`) && file.endsWith(".js"));
      const loaded = new Set<string>();
      const load = async (file: string): Promise<void> => {
        if (loaded.has(file)) return;
        loaded.add(file);
        const code = await readFile(join(dist, "assets", file), "utf8");
        for (const [, imported] of code.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g))
          await load(imported as string);
      };
      await load(named(name) as string);
      expect(loaded.size).toBeGreaterThan(1);
      expect(named("honk-checks")).toBeDefined();
      expect([...loaded]).not.toContain(named("honk-checks"));
    },
  );

  it("names no other origin", async () => {
    expect(await readFile(join(dist, "index.html"), "utf8")).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});

describe.skipIf(chrome === undefined)(
  `in a browser${chrome === undefined ? " (skipped: no Chromium found; set CHROME_PATH)" : ""}`,
  () => {
    const platform = new FakePlatform();
    let browser: Browser;
    let page: Page;
    let url: string;

    beforeAll(async () => {
      url = await platform.start();
      browser = await chromium.launch({ executablePath: chrome ?? "", args: ["--no-sandbox"] });
    });
    afterAll(async () => {
      await browser?.close();
      platform.stop();
    });
    beforeEach(async () => {
      platform.mood = "full";
      platform.proving = undefined;
      await page?.context().close();
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      page = await context.newPage();
    });

    it("shows the network, a digit, providers and blocks, without an error or a violation", async () => {
      const problems = pageProblems(page);
      await page.goto(url);
      await page.getByText("All services answer").waitFor();
      await page.getByText("Handwritten digits").first().waitFor();
      await page.getByText("north").waitFor();
      await page.getByText("42", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Run a proven inference" }).isEnabled();
      await expectAccessible(page);
      await shoot(page, "desktop-light");
      expect(problems).toEqual([]);
    });

    it("is as good in the dark", async () => {
      await page.goto(url);
      await page.getByRole("button", { name: "Switch to the dark theme" }).click();
      await page.getByText("north").waitFor();
      await expectAccessible(page);
      await shoot(page, "desktop-dark");
    });

    it("fits a phone without scrolling sideways", async () => {
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(url);
      await page.getByText("north").waitFor();
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
      await expectAccessible(page);
      await shoot(page, "phone");
    });

    it("offers every way to check with price, time and trust, before anything is bought", async () => {
      await page.goto(url);
      await page.getByText("To trust: what proof leaves to trust").waitFor();
      await page.getByText("Not there: groth16-bn254-cuda: there is no GPU prover.").waitFor();
      await page.getByRole("radio", { name: /By two providers/ }).check();
      await page.getByText("To trust: what replicate leaves to trust").waitFor();
      await page.getByText("Too large. Groth16 takes it. It fits: by a Groth16 proof.").waitFor();
      await page.getByRole("button", { name: "Run an inference" }).waitFor();
      await expectAccessible(page);
      await shoot(page, "rungs");
    });

    it("says of the chosen model what it can do, not of the newest", async () => {
      await page.route("**/v1/models", async (route) => {
        const answer = await route.fetch();
        const { items } = (await answer.json()) as { items: object[] };
        const older = { ...items[0], draftId: "older", modelId: 7, name: "Older digits" };
        await route.fulfill({ response: answer, json: { items: [...items, older], nextCursor: null } });
      });
      await page.route("**/v1/models/7/capabilities", (route) => route.fulfill({ json: { items: [] } }));
      await page.goto(url);
      await page.getByRole("heading", { name: "What model 1 can do" }).waitFor();
      await page.getByRole("combobox", { name: "Model" }).selectOption("Older digits (#7)");
      await page.getByRole("heading", { name: "What model 7 can do" }).waitFor();
      await page.getByText("Nothing is proven.").waitFor();
      await expectAccessible(page);
      await shoot(page, "two-models");
    });

    it("opens a transaction by keyboard alone", async () => {
      await page.goto(url);
      const transaction = page.getByRole("button", { name: /^Transaction 0x/ }).first();
      await transaction.focus();
      await page.keyboard.press("Enter");
      await page.getByText("succeeded").waitFor();
      await expectAccessible(page);
    });

    it.each([
      ["desktop", 1280],
      ["phone", 390],
    ])("runs an inference with the demo key and shows each step (%s)", async (name, width) => {
      await page.setViewportSize({ width, height: 844 });
      await page.goto(url);
      await page.getByRole("button", { name: "Run a proven inference" }).click();
      await page.getByText("The model reads a 7.").waitFor();
      await page.getByText("Chosen:", { exact: true }).waitFor();
      for (const step of ["Funded", "Leased", "Delivered", "Proven", "Settled"])
        await page.getByText(step, { exact: true }).first().waitFor();
      expect(
        await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        ),
      ).toBe(0);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Verify in your browser" }).click();
      // This fake has no chain behind it: the page must say so and not pretend.
      await page.getByRole("alert").waitFor();
      await shoot(page, `run-${name}`);
    });

    it("shows where the proof stands in the prover's queue and how far it is, then the result", async () => {
      const progress = (stage: string, percent: number, message: string) => {
        platform.proving = { stage, percent, message, figures: {} };
      };
      progress("proof-queued", 0, "The proof waits: place 3 of 9 in the queue.");
      await page.goto(url);
      await page.getByRole("button", { name: "Run a proven inference" }).click();
      const proven = page.getByRole("listitem").filter({ hasText: "Proven" });
      await proven.getByText("place 3 of 9 in the queue").waitFor();
      progress("proof-proving", 62, "The sums over the quotient are computed.");
      await proven.getByText("The sums over the quotient are computed.").waitFor();
      expect(await proven.getByRole("progressbar").getAttribute("value")).toBe("62");
      await expectAccessible(page);
      await shoot(page, "proving");
      platform.proving = undefined;
      await page.getByText("The model reads a 7.").waitFor();
    });

    it("takes a drawing by keyboard", async () => {
      await page.goto(url);
      await page.getByRole("img", { name: "A handwritten 7" }).focus();
      await page.keyboard.press("Delete");
      await page.getByRole("img", { name: "Your drawing" }).waitFor();
      expect(await page.getByRole("button", { name: "Run a proven inference" }).isDisabled()).toBe(true);
      await page.getByRole("img", { name: "Your drawing" }).focus();
      await page.keyboard.down("Shift");
      for (let step = 0; step < 6; step++) await page.keyboard.press("ArrowDown");
      await page.keyboard.up("Shift");
      await expect
        .poll(() => page.getByRole("button", { name: "Run a proven inference" }).isEnabled())
        .toBe(true);
    });

    it("says what is missing where nothing is there yet", async () => {
      platform.mood = "empty";
      await page.goto(url);
      await page.getByText("No model is published yet").waitFor();
      await page.getByText("No provider has joined yet").waitFor();
      await page.getByText("offers no demo key").waitFor();
      await expectAccessible(page);
      await shoot(page, "empty");
    });

    it("says what is loading, and what went wrong", async () => {
      platform.mood = "silent";
      await page.goto(url);
      await page.getByText("Asking for providers…").waitFor();
      await expectAccessible(page);
      platform.mood = "broken";
      await page.reload();
      await page.getByText("Offline", { exact: true }).waitFor();
      await page.getByText("The platform does not answer").waitFor();
      await expectAccessible(page);
      await shoot(page, "offline");
    });
  },
);
