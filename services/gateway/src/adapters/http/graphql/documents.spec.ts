import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Documents } from "./documents.js";

const settings = {
  maxBytes: 1_000,
  mostPersisted: 3,
  registered: new Map<string, string>(),
  registeredOnly: false,
};
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

it("remembers the documents that were used last, and no more than it may", () => {
  const texts = ["a", "b", "c", "d", "e"];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 30 }), (uses) => {
      const documents = new Documents(settings);
      const lastUsed: string[] = [];
      for (const query of uses) {
        expect(documents.textOf({ query, sha256Hash: hashOf(query) })).toBe(query);
        if (lastUsed.includes(query)) lastUsed.splice(lastUsed.indexOf(query), 1);
        lastUsed.unshift(query);
        lastUsed.splice(settings.mostPersisted);
      }
      for (const text of texts.filter((each) => !lastUsed.includes(each))) {
        expect(() => documents.textOf({ sha256Hash: hashOf(text) })).toThrow(
          expect.objectContaining({ code: "persisted-query-not-found" }),
        );
      }
      for (const text of lastUsed)
        expect(documents.textOf({ documentId: `sha256:${hashOf(text)}` })).toBe(text);
    }),
  );
});

it("keeps no more text than its share of the memory, whatever the number of documents", () => {
  const documents = new Documents({ ...settings, maxBytes: 2 ** 21, mostPersisted: 1_000 });
  const [first, ...others] = Array.from({ length: 5 }, (_, i) => `${i}`.padEnd(2 ** 20, "#")) as [
    string,
    ...string[],
  ];
  for (const query of [first, ...others]) documents.textOf({ query, sha256Hash: hashOf(query) });
  expect(() => documents.textOf({ sha256Hash: hashOf(first) })).toThrow();
  for (const text of others) expect(documents.textOf({ sha256Hash: hashOf(text) })).toBe(text);
});

it("keeps nothing where that is switched off", () => {
  const documents = new Documents({ ...settings, mostPersisted: 0 });
  expect(documents.textOf({ query: "a", sha256Hash: hashOf("a") })).toBe("a");
  expect(() => documents.textOf({ sha256Hash: hashOf("a") })).toThrow();
});
