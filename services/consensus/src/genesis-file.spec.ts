import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseGenesis } from "./domain/genesis.js";
import { readGenesis } from "./genesis-file.js";

const OWNER = `0x${"11".repeat(20)}`;
const RULES = {
  name: 'one "name" with {braces, [brackets] and \\',
  chainId: 7,
  timestampSeconds: 1,
  feeRecipient: `0x${"22".repeat(20)}`,
  baseFeeSplit: { burnedBps: 10_000, recipients: [] },
};

let directory: string;
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-genesis-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function read(text: string) {
  const file = join(directory, `${files++}.json`);
  await writeFile(file, text);
  const { alloc, fileDigest, ...rules } = await readGenesis(file);
  expect(fileDigest).toHaveLength(32);
  return { ...rules, alloc: new Map(alloc) };
}

const account = fc.record(
  {
    balanceWei: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String),
    nonce: fc.nat(),
    name: fc.string(),
    code: fc.constantFrom("0x", "0x6000"),
    storage: fc.constantFrom({}, { [`0x${"01".repeat(32)}`]: `0x${"02".repeat(32)}` }),
  },
  { requiredKeys: [] },
);
const accounts = fc.dictionary(
  fc.nat().map((index) => `0x${index.toString(16).padStart(40, "0")}`),
  account,
);

describe("readGenesis", () => {
  it("reads what the whole text says, however it is written and wherever the accounts are", async () => {
    await fc.assert(
      fc.asyncProperty(accounts, fc.constantFrom(0, 1, "\t"), fc.boolean(), async (alloc, space, first) => {
        const json = first ? { alloc, ...RULES } : { ...RULES, alloc };
        expect(await read(JSON.stringify(json, undefined, space))).toEqual(parseGenesis(json));
      }),
      { numRuns: 60 },
    );
  });

  it("reads more accounts than one piece holds", async () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `0x${index.toString(16).padStart(40, "0")}`);
    const alloc = Object.fromEntries(names.map((name, index) => [name, { balanceWei: String(index) }]));
    const genesis = await read(JSON.stringify({ ...RULES, alloc }));
    expect(genesis.alloc).toEqual(parseGenesis({ ...RULES, alloc }).alloc);
  });

  it.each([
    ["genesis-unreadable", undefined, "{"],
    ["genesis-unreadable", undefined, ""],
    ["genesis-unreadable", undefined, `{"alloc":{"${OWNER}":{]}},"chainId":7}`],
    ["genesis-unreadable", undefined, `{"alloc":{"${OWNER}":{}`],
    ["genesis-unreadable", undefined, JSON.stringify({ ...RULES, alloc: {} }).replace("{}", `{"${OWNER}":}`)],
    ["genesis-unreadable", undefined, JSON.stringify({ ...RULES, alloc: {} }).replace("{}", "{,}")],
    ["invalid-genesis", "genesis", "[]"],
    ["invalid-genesis", "alloc", JSON.stringify(RULES)],
    ["invalid-genesis", "alloc", JSON.stringify({ ...RULES, alloc: [] })],
    ["invalid-genesis", "chainId", JSON.stringify({ ...RULES, chainId: 0, alloc: {} })],
    [
      "invalid-genesis",
      `alloc.${OWNER}.balanceWei`,
      JSON.stringify({ ...RULES, alloc: { [OWNER]: { balanceWei: (2n ** 256n).toString() } } }),
    ],
  ])("says %s of %s", async (code, field, text) => {
    const error = expect(read(text)).rejects;
    await error.toMatchObject(field === undefined ? { code } : { code, field });
  });
});
