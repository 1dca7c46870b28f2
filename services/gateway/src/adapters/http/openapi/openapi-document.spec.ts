import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CONTROLLERS } from "../controllers.js";
import { createModelBody } from "../schemas/model.schemas.js";
import { openApiDocument } from "./openapi-document.js";

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

const { paths, components } = openApiDocument(CONTROLLERS, "1.0.0") as unknown as Described;

describe("the OpenAPI document", () => {
  it("describes every schema that it names: none is a reference alone", () => {
    const bare = Object.entries(components.schemas).filter(
      ([, schema]) => Object.keys(schema).length === 0 || "$ref" in schema,
    );
    expect(bare).toEqual([]);
  });

  it("names no schema that it does not hold", () => {
    const missing = referencesIn({ paths, components }).filter(
      (reference) => components.schemas[reference.replace("#/components/schemas/", "")] === undefined,
    );
    expect(missing).toEqual([]);
  });

  it("has the fields of a body as the gateway checks them", () => {
    const named = components.schemas["CreateModel"];
    expect(Object.keys(named?.["properties"] as object)).toEqual(Object.keys(createModelBody.shape));
    expect(named?.["required"]).toEqual(
      Object.entries(createModelBody.shape)
        .filter(([, field]) => !(field instanceof z.ZodOptional))
        .map(([name]) => name),
    );
  });
});

function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === "$ref" && typeof item === "string" ? [item] : referencesIn(item),
  );
}
