import { createHash } from "node:crypto";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HonkVerification } from "@aios/contracts/honk-verification";
import { knownUniversalPowers } from "@aios/testkit/known-powers";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { honkPowersOf, readHonkPowers, requireHonkPowers } from "./honk-powers.js";

describe("powers of tau for UltraHonk", () => {
  const directory = temporaryDirectory("honk-powers");
  const [ours, others] = [join(directory.path, "ours.ptau"), join(directory.path, "others.ptau")];
  let hash = "";
  beforeAll(() => {
    const file = knownUniversalPowers(9, ["Ada", "Grace"]);
    hash = createHash("sha256").update(file).digest("hex");
    writeFileSync(ours, file);
    writeFileSync(others, Buffer.from(file).toString("latin1").replace("Grace", "Mason"), "latin1");
  });
  afterAll(() => directory.remove());

  it("give the deployment the tau that its verifier is made with, and the prover their file and hash", () => {
    const powers = readHonkPowers(ours, hash);
    expect(powers).toMatchObject({ file: ours, hash });
    for (const word of powers.tauG2) expect(word).toMatch(/^0x[0-9a-f]{64}$/);
    expect(() => new HonkVerification(powers.tauG2)).not.toThrow();
    expect(() => readHonkPowers(ours, "00".repeat(32))).toThrow(
      expect.objectContaining({ code: "honk-powers-differ" }) as Error,
    );
  });

  it("are kept with the chain that began with them, and are no others at a later start", () => {
    using chain = disposable(temporaryDirectory("honk-chain"));
    const begun = honkPowersOf(chain.path, ours, true);
    expect(begun).toMatchObject({ hash, file: join(chain.path, "honk-powers.ptau") });
    expect(honkPowersOf(chain.path, undefined, false)).toEqual(begun);
    expect(honkPowersOf(chain.path, ours, false)).toEqual(begun);
    expect(() => honkPowersOf(chain.path, others, false)).toThrow(
      expect.objectContaining({
        code: "honk-powers-differ",
        message: expect.stringContaining(hash) as string,
      }) as Error,
    );
    expect(honkPowersOf(chain.path, undefined, true)).toBeUndefined();
    expect(existsSync(join(chain.path, "honk-powers.ptau"))).toBe(false);
  });

  it("are not taken up by a chain that began with the development string, nor where they are none", () => {
    using chain = disposable(temporaryDirectory("honk-chain"));
    expect(honkPowersOf(chain.path, undefined, true)).toBeUndefined();
    expect(() => honkPowersOf(chain.path, ours, false)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining("the development reference string") as string,
      }) as Error,
    );
    const nonsense = join(chain.path, "nonsense");
    writeFileSync(nonsense, "nonsense");
    expect(() => honkPowersOf(chain.path, nonsense, true)).toThrow(
      expect.objectContaining({ code: "malformed-powers-of-tau" }) as Error,
    );
  });

  it("are looked at before a directory is wiped, and do not lie in it", () => {
    using chain = disposable(temporaryDirectory("honk-chain"));
    requireHonkPowers(chain.path, ours);
    expect(() => requireHonkPowers(chain.path, `${ours}.typo`)).toThrow("ENOENT");
    const inside = join(chain.path, "inside.ptau");
    copyFileSync(ours, inside);
    expect(() => requireHonkPowers(chain.path, inside)).toThrow(
      expect.objectContaining({ code: "honk-powers-in-data-dir" }) as Error,
    );
  });
});

function disposable({ path, remove }: { readonly path: string; remove(): void }) {
  return { path, [Symbol.dispose]: remove };
}
