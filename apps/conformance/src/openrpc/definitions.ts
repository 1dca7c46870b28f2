import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { parse } from "yaml";

export interface MethodDefinition {
  readonly name: string;
  readonly result: { readonly schema: object };
}

/** The folder `schemas` beside the folders of the methods. */
function schemaFolder(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const found = readdirSync(folder, { withFileTypes: true }).some(
      (entry) => entry.isDirectory() && entry.name === "schemas",
    );
    if (found) return join(folder, "schemas");
  }
  throw new Error("no folder 'schemas' in any folder above");
}

/** The method definitions of one file of execution-apis. */
export function readMethods(file: string): readonly MethodDefinition[] {
  const definitions: unknown = parse(readFileSync(file, "utf8"));
  if (!Array.isArray(definitions)) throw new Error("the file holds no list of methods");
  return definitions as MethodDefinition[];
}

/** Validators of results, with every component of the schema folder in reach. */
export class ResultSchemas {
  readonly #components: object;
  // The definitions carry keys of OpenRPC that JSON Schema does not know.
  readonly #ajv = new Ajv({ strict: false, allErrors: false });

  constructor(file: string) {
    const folder = schemaFolder(file);
    const parts = readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => parse(readFileSync(join(folder, name), "utf8")) as object);
    this.#components = { schemas: Object.assign({}, ...parts) };
  }

  /** What is wrong with a result; `undefined` when it is valid. */
  problem(definition: MethodDefinition, result: unknown): string | undefined {
    const validate: ValidateFunction = this.#ajv.compile({
      components: this.#components,
      allOf: [definition.result.schema],
    });
    if (validate(result)) return undefined;
    return `${this.#ajv.errorsText(validate.errors, { dataVar: "result" })}: ${JSON.stringify(result).slice(0, 300)}`;
  }
}
