import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sealKey } from "@aios/core-sealing/sealed-key";
import { SeededRng } from "@aios/kernel/random";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadWrappingKey } from "./file-wrapping-key.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-wrapping-"));
});
afterEach(() => rm(directory, { recursive: true }));

describe("wrapping key file", () => {
  it("is made once, for its owner's eyes only, and opens what is sealed to it", async () => {
    const rng = new SeededRng(1);
    const keys = await Promise.all([1, 2, 3].map((seed) => loadWrappingKey(directory, new SeededRng(seed))));
    expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(1);
    expect(await readdir(directory)).toEqual(["content-wrapping-key.json"]);
    expect((await stat(join(directory, "content-wrapping-key.json"))).mode & 0o777).toBe(0o600);
    const again = await loadWrappingKey(directory, new SeededRng(9));
    const secret = rng.bytes(32);
    expect(again.open(sealKey(secret, keys[0]?.publicKey ?? new Uint8Array(), "c", rng), "c")).toEqual(
      secret,
    );
  });

  it("is refused when others may read it or when it is damaged", async () => {
    await loadWrappingKey(directory, new SeededRng(1));
    const file = join(directory, "content-wrapping-key.json");
    await chmod(file, 0o644);
    await expect(loadWrappingKey(directory, new SeededRng(1))).rejects.toThrow(/chmod 600/);
    await chmod(file, 0o600);
    await writeFile(file, "{}");
    await expect(loadWrappingKey(directory, new SeededRng(1))).rejects.toMatchObject({
      code: "bad-wrapping-key-file",
    });
  });
});
