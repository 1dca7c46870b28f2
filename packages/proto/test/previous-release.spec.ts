import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DescMessage,
  equals,
  type FileRegistry,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buf } from "../scripts/buf.mjs";
import { topics } from "../src/topics.js";
import { descriptorsIn } from "./support/descriptors.js";
import { filled, messagesOf, variantsOf } from "./support/filled-message.js";

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

const released = descriptorsIn(new URL("../baseline.binpb", import.meta.url));
const golden = JSON.parse(
  readFileSync(new URL("../baseline-messages.json", import.meta.url), "utf8"),
) as Readonly<Record<string, readonly string[]>>;
let folder: string;
let today: FileRegistry;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-proto-"));
  const file = join(folder, "today.binpb");
  const { status, stderr } = buf("build", "-o", file);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  today = descriptorsIn(file);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The generated code that the processes of today read and write with. */
async function codecOf(type: DescMessage): Promise<Codec | undefined> {
  const module = (await import(
    new URL(`../dist/generated/${type.file.name}.js`, import.meta.url).href
  )) as Readonly<Record<string, Codec>>;
  return module[type.typeName.slice(type.file.proto.package.length + 1).replaceAll(".", "_")];
}

/** Both with the defaults of fields that only one side sends, and without what the older side does not know. */
function same(type: DescMessage, left: Message, right: Message): boolean {
  return equals(type, left, right, { registry: released, unpackAny: false, unknown: false });
}

describe("messages of the release before (packages/proto/baseline-messages.json)", () => {
  it("are there for every message that it had, and name every event of today's topics that it knew", () => {
    expect(Object.keys(golden)).toEqual(messagesOf(released).map(({ typeName }) => typeName));
    const events = Object.values(topics).map(({ message }) => `aios.events.v1.${message}`);
    expect(Object.keys(golden).filter((name) => events.includes(name)).length).toBeGreaterThanOrEqual(9);
  });

  it.each(messagesOf(released).map((type) => [type.typeName, type] as const))(
    "are read by today's code and written back unchanged: %s",
    async (name, type) => {
      const codec = await codecOf(type);
      expect(codec, `${name} has no generated code any more`).toBeDefined();
      for (const text of golden[name] ?? []) {
        const bytes = Buffer.from(text, "base64");
        const again = codec?.encode(codec.decode(bytes)).finish() ?? new Uint8Array();
        expect(same(type, fromBinary(type, again), fromBinary(type, bytes)), text).toBe(true);
      }
    },
  );
});

describe("messages of today", () => {
  it("are read by the release before, which finds in them everything that it knows", () => {
    const known = messagesOf(released);
    expect(known.length).toBeGreaterThan(100);
    for (const type of known) {
      const newer = today.getMessage(type.typeName);
      if (newer === undefined) throw new Error(`${type.typeName} is gone`);
      for (let variant = 0; variant < variantsOf(type); variant++) {
        const sent = toBinary(newer, filled(newer, variant));
        expect(same(type, fromBinary(type, sent), filled(type, variant)), type.typeName).toBe(true);
      }
    }
  });
});
