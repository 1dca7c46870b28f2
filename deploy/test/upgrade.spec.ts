import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isInstalled } from "./helm.js";
import { type ImmutableRecord, immutableFields } from "./immutable-fields.js";

const released = JSON.parse(
  readFileSync(new URL("./baseline-immutable-fields.json", import.meta.url), "utf8"),
) as ImmutableRecord;

describe.skipIf(!isInstalled("helm"))("an upgrade from the charts of the release before", () => {
  it("changes nothing that the API server refuses to change", () => {
    const today: ImmutableRecord = JSON.parse(JSON.stringify(immutableFields()));
    for (const [set, objects] of Object.entries(released)) {
      for (const [name, fields] of Object.entries(objects)) {
        const now = today[set]?.[name];
        if (now !== undefined) expect(now, `${set}: ${name}`).toEqual(fields);
      }
    }
    expect(Object.keys(released["small"] ?? {}).length).toBeGreaterThan(9);
  });
});
