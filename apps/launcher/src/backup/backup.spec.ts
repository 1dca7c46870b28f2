import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCE_FILE, readLocalInstance } from "@aios/service-kit/local-instance";
import { processBirth } from "@aios/service-kit/process-birth";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cutOffAt, exchangeSteps, putBack, type Replacement } from "./exchange.js";
import { backUp, replaceApart, requireWholeState, restore, undoRestore } from "./local-state.js";
import { seal, unseal } from "./sealed-stream.js";

const PASSPHRASE = "correct horse battery";
const SLOW_MS = 60_000;
/** The least that is accepted, so that the tests are quick. */
const COST = 14;

async function collected(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* inPieces(bytes: Buffer, size = bytes.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += Math.max(1, size))
    yield bytes.subarray(at, at + Math.max(1, size));
}

describe("a sealed stream", () => {
  it(
    "opens to what was sealed, whatever pieces it comes in",
    async () => {
      const around = fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072, 200_001);
      await fc.assert(
        fc.asyncProperty(around, fc.integer({ min: 1, max: 90_000 }), async (length, size) => {
          const plain = Buffer.alloc(length, 7);
          const sealed = await collected(seal(inPieces(plain, size), PASSPHRASE, COST));
          expect((await collected(unseal(inPieces(sealed, size), PASSPHRASE))).equals(plain)).toBe(true);
        }),
        { numRuns: 12 },
      );
    },
    SLOW_MS,
  );

  it("shows nothing of what is in it", async () => {
    const sealed = await collected(seal(inPieces(Buffer.from("private key")), PASSPHRASE, COST));
    expect(sealed.includes("private key")).toBe(false);
  });

  it("refuses another passphrase, and one that is too short to protect anything", async () => {
    const sealed = await collected(seal(inPieces(Buffer.from("x")), PASSPHRASE, COST));
    await expect(collected(unseal(inPieces(sealed), "another one of them"))).rejects.toMatchObject({
      code: "wrong-passphrase",
    });
    await expect(collected(seal(inPieces(sealed), "short"))).rejects.toMatchObject({
      code: "passphrase-too-short",
    });
  });

  it(
    "refuses what was changed, cut off, reordered or appended to",
    async () => {
      const frame = 65_536 + 16;
      const sealed = await collected(seal(inPieces(Buffer.alloc(200_000, 1)), PASSPHRASE, COST));
      const [head, body] = [sealed.subarray(0, 25), sealed.subarray(25)];
      const flipped = Buffer.from(sealed);
      flipped[100_000] = (flipped[100_000] ?? 0) ^ 1;
      const reordered = [
        head,
        body.subarray(0, frame),
        body.subarray(2 * frame, 3 * frame),
        body.subarray(frame, 2 * frame),
      ];
      const forgeries = [
        flipped,
        sealed.subarray(0, 25 + 2 * frame),
        sealed.subarray(0, sealed.length - 1),
        Buffer.concat([...reordered, body.subarray(3 * frame)]),
        Buffer.concat([sealed, body.subarray(0, frame)]),
      ];
      for (const forged of forgeries)
        await expect(collected(unseal(inPieces(forged), PASSPHRASE))).rejects.toMatchObject({
          code: "backup-damaged",
        });
      await expect(collected(unseal(inPieces(Buffer.from("tar")), PASSPHRASE))).rejects.toMatchObject({
        code: "not-a-backup",
      });
    },
    SLOW_MS,
  );
});

/** As a process that is killed after so many steps. */
async function cutOff(replacements: readonly Replacement[], steps: number): Promise<void> {
  for (const { act } of exchangeSteps(replacements).slice(0, steps)) await act();
}

describe("the state of one machine", () => {
  let root: string;
  let dataDir: string;
  let file: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aios-backup-"));
    // The database's user, where it is another one, has to get in.
    chmodSync(root, 0o755);
    dataDir = join(root, "data");
    file = join(root, "state.aios");
    mkdirSync(join(dataDir, "postgres", "cluster", "pg_notify"), { recursive: true });
    mkdirSync(join(dataDir, "logs"));
    mkdirSync(join(dataDir, "keys"), { mode: 0o700 });
    writeFileSync(join(dataDir, "genesis.json"), "{}");
    writeFileSync(join(dataDir, "keys", "account-business.key"), "0xsecret", { mode: 0o600 });
    writeFileSync(join(dataDir, "postgres", "cluster", "base"), Buffer.alloc(300_000, 3));
    writeFileSync(join(dataDir, "logs", "gateway.log"), "said");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const take = () => backUp(dataDir, file, PASSPHRASE, 1_800_000_000_000);
  const put = (to: string, force = false, passphrase = PASSPHRASE) =>
    restore(file, to, passphrase, { force, nowMs: 1_800_000_000_000 });

  it("comes back whole: contents, empty directories, modes; without logs", async () => {
    const taken = await take();
    expect(taken).toEqual({ createdAt: "2027-01-15T08:00:00.000Z", files: 3, bytes: 300_010 });
    const copy = join(root, "copy");
    expect(await put(copy)).toEqual(taken);
    expect(readFileSync(join(copy, "keys", "account-business.key"), "utf8")).toBe("0xsecret");
    expect(statSync(join(copy, "keys", "account-business.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(copy).sort()).toEqual(["genesis.json", "keys", "postgres"]);
    expect(readdirSync(join(copy, "postgres", "cluster")).sort()).toEqual(["base", "pg_notify"]);
  });

  it("is not taken with a file that no restore would accept, which the error names", async () => {
    writeFileSync(join(dataDir, "keys", "notes (1).txt"), "");
    await expect(take()).rejects.toMatchObject({
      code: "unknown-state",
      message: expect.stringContaining(join(dataDir, "keys", "notes (1).txt")),
    });
    expect(readdirSync(root)).toEqual(["data"]);
    expect(readdirSync(dataDir)).not.toContain("instance.json");
  });

  it("keeps no key in clear, and is for its owner only", async () => {
    await take();
    expect(readFileSync(file).includes("0xsecret")).toBe(false);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("is not taken while the platform runs, nor from an empty directory, nor over another backup", async () => {
    writeFileSync(join(dataDir, "instance.json"), JSON.stringify({ pid: process.ppid, startedAt: "" }));
    await expect(take()).rejects.toMatchObject({ code: "platform-running" });
    rmSync(join(dataDir, "instance.json"));
    await expect(backUp(join(root, "none"), file, PASSPHRASE, 0)).rejects.toMatchObject({ code: "no-state" });
    await take();
    await expect(take()).rejects.toMatchObject({ code: "file-exists" });
  });

  it("is not restored over data, except by force, which leaves nothing of what was there", async () => {
    await take();
    writeFileSync(join(dataDir, "newer"), "");
    await expect(put(dataDir)).rejects.toMatchObject({ code: "directory-not-empty" });
    await put(dataDir, true);
    expect(readdirSync(dataDir).sort()).toEqual(["genesis.json", "keys", "postgres"]);
    expect(readdirSync(root).sort()).toEqual(["data", "state.aios"]);
  });

  /** Kills a restore of a state without `older` over one with it. */
  async function restoreUpTo(steps: number): Promise<void> {
    const staged = join(root, "staged");
    cpSync(dataDir, staged, { recursive: true });
    writeFileSync(join(dataDir, "older"), "the only copy");
    await cutOff([{ place: dataDir, staged }], steps);
  }
  const isOld = () => readdirSync(dataDir).includes("older");

  it.each([1, 2])(
    "is what a restore sets aside that is cut off after step %i: no other touches it, and it comes back",
    async (steps) => {
      await restoreUpTo(steps);
      const before = readdirSync(root);
      await expect(requireWholeState(dataDir)).rejects.toMatchObject({ code: "restore-cut-off" });
      await expect(put(dataDir)).rejects.toMatchObject({ code: "restore-cut-off" });
      expect(readdirSync(root)).toEqual(before);
      expect(await undoRestore(dataDir, 0)).toBe(true);
      await requireWholeState(dataDir);
      expect(isOld()).toBe(true);
    },
  );

  it.each([3, 4, 5])("is the new one whole where a restore was cut off after step %i", async (steps) => {
    await restoreUpTo(steps);
    await requireWholeState(dataDir);
    await expect(put(dataDir)).rejects.toMatchObject({ code: "directory-not-empty" });
    expect(await undoRestore(dataDir, 0)).toBe(false);
    expect(isOld()).toBe(false);
  });

  it("is finished by force after a restore that was cut off, whatever its last step", async () => {
    await take();
    for (const steps of [1, 2, 3]) {
      await restoreUpTo(steps);
      await put(dataDir, true);
      await requireWholeState(dataDir);
      expect(isOld()).toBe(false);
      rmSync(join(root, "staged"), { recursive: true, force: true });
      expect(readdirSync(root).sort()).toEqual(["data", "state.aios"]);
    }
  });

  it("is not replaced where another platform took what a restore had set aside as that came back", async () => {
    await take();
    await restoreUpTo(1);
    const [aside = ""] = readdirSync(root).filter((name) => name.startsWith("data.replaced-"));
    const other = {
      pid: process.ppid,
      birth: processBirth(process.ppid),
      startedAt: "2026-01-01T00:00:00.000Z",
    };
    writeFileSync(join(root, aside, INSTANCE_FILE), JSON.stringify(other));
    await expect(put(dataDir, true)).rejects.toMatchObject({ code: "platform-running" });
    expect(isOld()).toBe(true);
    expect(readLocalInstance(dataDir)).toEqual(other);
  });

  it("says how to finish or undo a restore that was cut off", async () => {
    renameSync(dataDir, `${dataDir}.replaced-0f9f4a4e-4a0e-4d0e-9a59-6f6f0a3c1d22`);
    await expect(requireWholeState(dataDir)).rejects.toMatchObject({
      message: expect.stringMatching(/--force.*aios -- restore undo --data-dir/),
    });
  });

  it("changes nothing when the backup cannot be opened", async () => {
    await take();
    await expect(put(dataDir, true, "not the passphrase")).rejects.toMatchObject({
      code: "wrong-passphrase",
    });
    writeFileSync(file, readFileSync(file).subarray(0, 70_000));
    await expect(put(dataDir, true)).rejects.toMatchObject({ code: "backup-damaged" });
    expect(readdirSync(dataDir)).toContain("logs");
    expect(readdirSync(root).sort()).toEqual(["data", "state.aios"]);
  });
});

describe("a cluster that lies apart from its state", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aios-apart-"));
    for (const [place, text] of Object.entries({ data: "old", cluster: "old", staged: "new" })) {
      mkdirSync(join(root, place));
      writeFileSync(join(root, place, "what"), text);
    }
    mkdirSync(join(root, "staged", "postgres", "cluster"), { recursive: true });
    writeFileSync(join(root, "staged", "postgres", "cluster", "what"), "new");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const restored = () => join(root, "staged", "postgres", "cluster");
  const put = (place = "data") =>
    replaceApart(
      { place: join(root, place), staged: join(root, "staged") },
      restored(),
      join(root, "cluster"),
      {},
    );
  const what = (place: string) => readFileSync(join(root, place, "what"), "utf8");

  it("takes its place together with the state", async () => {
    await put();
    expect([what("data"), what("cluster")]).toEqual(["new", "new"]);
    expect(readdirSync(root).sort()).toEqual(["cluster", "data"]);
    expect(readdirSync(join(root, "data", "postgres"))).toEqual([]);
  });

  it("stays as it was where the copy breaks off", async () => {
    // A socket is what a copy cannot take: it fails after what comes before it.
    const server = createServer().listen(join(restored(), "zz"));
    await once(server, "listening");
    try {
      await expect(put()).rejects.toThrow();
    } finally {
      server.close();
    }
    expect([what("data"), what("cluster")]).toEqual(["old", "old"]);
    expect(readdirSync(root).sort()).toEqual(["cluster", "data", "staged"]);
  });

  it("comes back where the state cannot take its place", async () => {
    await expect(put("gone/data")).rejects.toMatchObject({ code: "ENOENT" });
    expect([what("data"), what("cluster")]).toEqual(["old", "old"]);
    expect(readdirSync(root).sort()).toEqual(["cluster", "data", "staged"]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])("is of one moment after %i steps and a putting back", async (steps) => {
    const [data, cluster] = [join(root, "data"), join(root, "cluster")];
    const both = [
      { place: cluster, staged: restored() },
      { place: data, staged: join(root, "staged") },
    ];
    await cutOff(both, steps);
    const isSettled = steps > 4;
    expect((await cutOffAt([data, cluster])).length).toBe(isSettled ? 0 : Math.ceil(steps / 2));
    await putBack([data, cluster]);
    expect([what("data"), what("cluster")]).toEqual(isSettled ? ["new", "new"] : ["old", "old"]);
    expect(await cutOffAt([data, cluster])).toEqual([]);
  });

  it("is put back by a second putting back where the first was cut off between the two", async () => {
    const [data, cluster] = [join(root, "data"), join(root, "cluster")];
    await cutOff(
      [
        { place: cluster, staged: restored() },
        { place: data, staged: join(root, "staged") },
      ],
      4,
    );
    await putBack([data]);
    expect(await cutOffAt([data, cluster])).toHaveLength(1);
    await putBack([data, cluster]);
    expect([what("data"), what("cluster")]).toEqual(["old", "old"]);
  });

  it("removes what an earlier restore that was killed between its renames had set aside", async () => {
    const aside = "cluster.replaced-0f9f4a4e-4a0e-4d0e-9a59-6f6f0a3c1d22";
    mkdirSync(join(root, aside));
    await put();
    expect(readdirSync(root).sort()).toEqual(["cluster", "data"]);
  });

  it("is not taken for whole by a start or a backup until then", async () => {
    const data = join(root, "data");
    await requireWholeState(data);
    const aside = `${data}.replaced-0f9f4a4e-4a0e-4d0e-9a59-6f6f0a3c1d22`;
    renameSync(data, aside);
    await expect(requireWholeState(data)).rejects.toMatchObject({
      code: "restore-cut-off",
      details: { left: [aside] },
    });
  });

  it("leaves alone what has only a similar name", async () => {
    mkdirSync(join(root, "cluster.replaced"));
    mkdirSync(join(root, "cluster.replaced-before"));
    await put();
    expect(readdirSync(root).sort()).toEqual([
      "cluster",
      "cluster.replaced",
      "cluster.replaced-before",
      "data",
    ]);
  });
});
