import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type ArchiveSummary, bytesEntry, packArchive, readArchive } from "./archive.js";

const CREATED_AT = "2027-01-15T08:00:00.000Z";
const CONTENTS = { genesis: "{}", "keys/business": "0xkey", "keys/empty": "" } as const;

const entries = () => Object.entries(CONTENTS).map(([path, text]) => bytesEntry(path, Buffer.from(text)));

async function collected(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function record(kind: string, value: object): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}

/** As the releases before wrote it: all entries once more at the end. */
function formatOne(count = 1): Buffer {
  const all = Array.from({ length: count }, (_, copy) =>
    Object.entries(CONTENTS).map(([path, text]) => ({
      head: { path: `${copy}/${path}`, kind: "file", mode: 0o600, sizeBytes: text.length },
      text,
    })),
  ).flat();
  const listed = all.map(({ head, text }) => ({
    ...head,
    sha256: createHash("sha256").update(text).digest("hex"),
  }));
  return Buffer.concat([
    ...all.flatMap(({ head, text }) => [record("e", head), Buffer.from(text)]),
    record("m", { format: 1, createdAt: CREATED_AT, entries: listed }),
  ]);
}

async function read(
  archive: AsyncIterable<Buffer>,
): Promise<{ readonly texts: Record<string, string>; readonly summary: ArchiveSummary | undefined }> {
  let summary: ArchiveSummary | undefined;
  const texts: Record<string, string> = {};
  const all = readArchive(archive, (end) => {
    summary = end;
  });
  for await (const { path, content } of all) texts[path] = (await collected(content)).toString();
  return { texts, summary };
}

describe("an archive", () => {
  it("gives back what was packed and says the same of it at both ends", async () => {
    const told: ArchiveSummary[] = [];
    const bytes = await collected(packArchive(entries(), CREATED_AT, (summary) => told.push(summary)));
    const { texts, summary } = await read(inPieces(bytes, 7));
    expect(texts).toEqual(CONTENTS);
    expect(summary).toEqual({ createdAt: CREATED_AT, files: 3, bytes: 7, firstPath: "genesis" });
    expect(told).toEqual([summary]);
  });

  it.each([1, 50])("of format 1 is read too, a short one and one of many pieces: %i", async (count) => {
    const { texts, summary } = await read(inPieces(formatOne(count), 1_000));
    expect(Object.keys(texts)).toHaveLength(3 * count);
    expect(texts).toMatchObject({ "0/keys/business": "0xkey" });
    expect(summary).toEqual({
      createdAt: CREATED_AT,
      files: 3 * count,
      bytes: 7 * count,
      firstPath: "0/genesis",
    });
  });

  it("of either format is damaged where any byte is another one, is missing, or follows", async () => {
    for (const whole of [await collected(packArchive(entries(), CREATED_AT)), formatOne()]) {
      const created = whole.indexOf(CREATED_AT);
      const isFree = (at: number): boolean => at >= created && at < created + CREATED_AT.length;
      for (let at = 0; at < whole.length; at++) {
        // When it was made is told by nothing else; the sealed stream around it keeps that.
        if (isFree(at)) continue;
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ 1;
        await expect(read(inPieces(changed, 4_096)), `byte ${at}`).rejects.toMatchObject({
          code: "backup-damaged",
        });
      }
      for (const cut of [0, 3, 40, whole.length - 1])
        await expect(read(inPieces(whole.subarray(0, cut), 64))).rejects.toMatchObject({
          code: "backup-damaged",
        });
      const longer = Buffer.concat([whole, Buffer.from("x")]);
      await expect(read(inPieces(longer, 64))).rejects.toMatchObject({ code: "backup-damaged" });
    }
  });

  it("is never in memory as a whole, nor what it lists, at either end", () => {
    const program = `const { bytesEntry, packArchive, readArchive } = await import(process.argv[1]);
function* many() {
  for (let n = 0; n < 4_000; n++) yield bytesEntry(\`blocks/\${n}-\${"b".repeat(20_000)}\`, Buffer.alloc(1));
}
let summary;
for await (const _entry of readArchive(packArchive(many(), ""), (end) => { summary = end; }));
console.log(summary.files);`;
    const archive = new URL("../../dist/src/backup/archive.js", import.meta.url).href;
    // A list of all of them takes 80 MB.
    const words = ["--max-old-space-size=48", "--input-type=module", "--eval", program, archive];
    expect(Number(execFileSync(process.execPath, words))).toBe(4_000);
  });
});
