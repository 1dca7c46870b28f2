import fc from "fast-check";
import {
  buildSchema,
  GraphQLObjectType,
  type GraphQLSchema,
  getVariableValues,
  type OperationDefinitionNode,
  parse,
} from "graphql";
import { describe, expect, it } from "vitest";
import { costOfDocument, type DocumentCost } from "./document-cost.js";

/** Things in pages; each page is a call, and so is what hangs on a thing. */
function pagedSchema(): GraphQLSchema {
  const schema = buildSchema(`
    type Query { page(size: Int = 20): Page, plain: String }
    type Page { items: [Thing!]! }
    type Thing { name: String, parts: [Thing!]!, page(size: Int = 20): Page }
  `);
  for (const name of ["Query", "Thing"]) {
    const type = schema.getType(name);
    if (!(type instanceof GraphQLObjectType)) throw new Error("a type is missing");
    const { page } = type.getFields();
    if (page === undefined) throw new Error("a field is missing");
    const pageSize = ({ size }: Readonly<Record<string, unknown>>): number => Number(size);
    page.extensions = { cost: { calls: 1, pageSize } };
  }
  return schema;
}

const schema = pagedSchema();
const generous = { maxDepth: 1_000, maxCost: Number.MAX_SAFE_INTEGER };

function count(text: string, variables: Record<string, unknown> = {}, limits = generous): DocumentCost {
  const document = parse(text);
  const [operation] = document.definitions as [OperationDefinitionNode];
  const read = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  if (read.errors !== undefined) throw read.errors[0];
  return costOfDocument(schema, document, operation, read.variableValues, limits);
}

describe("the cost of a document", () => {
  it("is its calls at their worst: as many as the pages above may hold", () => {
    expect(count("{ page(size: 3) { items { page(size: 4) { items { name } } } } }")).toEqual({
      depth: 5,
      cost: 4,
    });
    expect(count("query($n: Int) { page(size: $n) { items { page { __typename } } } }", { n: 7 }).cost).toBe(
      8,
    );
    expect(count("{ plain }")).toEqual({ depth: 1, cost: 1 });
  });

  it("takes a list without a page to hold ten", () => {
    expect(
      count("{ page(size: 1) { items { parts { parts { page { items { name } } } } } } }").cost,
    ).toBeGreaterThan(100);
  });

  it("counts fragments wherever they are spread, and conditions as if they held", () => {
    const whole = count("{ page(size: 50) { items { name parts { name } } } }");
    const spread = count(
      "query { page(size: 50) { ... { items { ...t @skip(if: true) } } } } fragment t on Thing { name parts { name } }",
    );
    expect(spread.depth).toBe(whole.depth);
    expect(spread.cost).toBeGreaterThanOrEqual(whole.cost);
  });

  it("is refused as soon as it is certain, however often fragments multiply", () => {
    const fragments = Array.from(
      { length: 60 },
      (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`,
    ).join(" ");
    const bomb = `query { ...f0 } ${fragments} fragment f60 on Query { plain }`;
    const limits = { maxDepth: 10, maxCost: 100 };
    expect(() => count(bomb, {}, limits)).toThrow(expect.objectContaining({ code: "query-too-expensive" }));
    const deep = `{ page { items ${"{ parts ".repeat(20)} { name } ${"}".repeat(20)} } }`;
    expect(() => count(deep, {}, { maxDepth: 10, maxCost: 1e30 })).toThrow(
      expect.objectContaining({ code: "query-too-deep" }),
    );
  });

  it("never falls when something is added", () => {
    const selection: fc.Memo<string> = fc.memo((depth) =>
      depth <= 1
        ? fc.constant("name")
        : fc.oneof(
            fc.constant("name"),
            selection().map((inner) => `parts { ${inner} }`),
            fc
              .tuple(fc.integer({ min: 1, max: 50 }), selection())
              .map(([n, inner]) => `page(size: ${n}) { items { ${inner} } }`),
            fc.tuple(selection(), selection()).map(([a, b]) => `... { ${a} } ... { ${b} }`),
          ),
    );
    fc.assert(
      fc.property(selection(4), selection(4), (one, more) => {
        const smaller = count(`{ page(size: 2) { items { ... { ${one} } } } }`);
        const larger = count(`{ page(size: 2) { items { ... { ${one} } ... { ${more} } } } }`);
        expect(larger.cost).toBeGreaterThanOrEqual(smaller.cost);
        expect(larger.depth).toBeGreaterThanOrEqual(smaller.depth);
      }),
    );
  });
});
