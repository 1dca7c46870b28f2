import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLFloat,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableInputType,
  type GraphQLNullableOutputType,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLScalarType,
  GraphQLString,
} from "graphql";
import { z } from "zod";
import { JSON_VALUE, SAFE_INT, scalarOfId, scalarOfPattern } from "./scalars.js";

export type GraphObject = Readonly<Record<string, unknown>>;
/** Fields beyond those of the schema, by the name of the type. */
export type ExtraFields = (typeName: string) => GraphQLFieldConfigMap<GraphObject, unknown>;

interface Peeled {
  readonly schema: z.ZodType;
  readonly isRequired: boolean;
  readonly description: string | undefined;
  readonly defaultValue: unknown;
}

/**
 * GraphQL types from the same schemas that validate and document REST. Objects and enumerations are named by their
 * `id`, those without one by the path to them; formats that have an `id` are scalars of that name.
 */
export class GraphTypes {
  readonly #outputs = new Map<string, GraphQLObjectType>();
  readonly #inputs = new Map<string, GraphQLInputObjectType>();
  readonly #enums = new Map<string, GraphQLEnumType>();

  constructor(private readonly extraFields: ExtraFields) {}

  /** `path` names what has no id. */
  output(schema: z.ZodType, path: string): GraphQLOutputType {
    const peeled = peel(schema);
    const type = this.#outputOf(peeled.schema, path);
    return peeled.isRequired ? new GraphQLNonNull(type) : type;
  }

  input(schema: z.ZodType, path: string): GraphQLInputType {
    const { schema: inner, isRequired } = peel(schema);
    const type = this.#inputOf(inner, path);
    return isRequired ? new GraphQLNonNull(type) : type;
  }

  /** Arguments or input fields of an object's properties. */
  inputFields(schema: z.ZodObject, path: string): Record<string, GraphQLInputFieldConfig> {
    return mapProperties(schema, (name, property) => {
      const { defaultValue, description } = peel(property);
      return {
        type: this.input(property, inner(path, name)),
        ...(description === undefined ? {} : { description }),
        ...(defaultValue === undefined ? {} : { default: { value: defaultValue } }),
      };
    });
  }

  #outputOf(schema: z.ZodType, path: string): GraphQLNullableOutputType {
    if (schema instanceof z.ZodArray) {
      return new GraphQLList(this.output(schema.element as z.ZodType, element(path)));
    }
    if (schema instanceof z.ZodObject && scalarOfId(idOf(schema)) === undefined) {
      const name = idOf(schema) ?? path;
      const known = this.#outputs.get(name);
      if (known !== undefined) return known;
      const description = descriptionOf(schema);
      const type = new GraphQLObjectType({
        name,
        ...(description === undefined ? {} : { description }),
        fields: () => ({ ...this.#outputFields(schema, name), ...this.extraFields(name) }),
      });
      this.#outputs.set(name, type);
      return type;
    }
    return this.#leaf(schema, path);
  }

  #outputFields(schema: z.ZodObject, name: string): Record<string, GraphQLFieldConfig<GraphObject, unknown>> {
    return mapProperties(schema, (field, property) => {
      const { description } = peel(property);
      return {
        type: this.output(property, inner(name, field)),
        ...(description === undefined ? {} : { description }),
      };
    });
  }

  #inputOf(schema: z.ZodType, path: string): GraphQLNullableInputType {
    if (schema instanceof z.ZodArray) {
      return new GraphQLList(this.input(schema.element as z.ZodType, element(path)));
    }
    if (schema instanceof z.ZodObject) {
      const stem = idOf(schema) ?? path;
      const known = this.#inputs.get(stem);
      if (known !== undefined) return known;
      const type = new GraphQLInputObjectType({
        name: `${stem}Input`,
        fields: () => this.inputFields(schema, stem),
      });
      this.#inputs.set(stem, type);
      return type;
    }
    return this.#leaf(schema, path);
  }

  #leaf(schema: z.ZodType, path: string): GraphQLScalarType | GraphQLEnumType {
    const named = scalarOfId(idOf(schema)) ?? scalarOfPattern(patternsOf(schema));
    if (named !== undefined) return named;
    if (schema instanceof z.ZodEnum) return this.#enumOf(schema, idOf(schema) ?? path);
    if (schema instanceof z.ZodString || isTextUnion(schema)) return GraphQLString;
    if (schema instanceof z.ZodBoolean) return GraphQLBoolean;
    if (schema instanceof z.ZodNumber) return isInteger(schema) ? SAFE_INT : GraphQLFloat;
    return JSON_VALUE;
  }

  #enumOf(schema: z.ZodEnum, name: string): GraphQLEnumType {
    const known = this.#enums.get(name);
    if (known !== undefined) return known;
    const values = schema.options.map((value) => [constantCase(String(value)), { value }] as const);
    const type = new GraphQLEnumType({ name, values: Object.fromEntries(values) });
    this.#enums.set(name, type);
    return type;
  }
}

/** The schema without what only says whether it may be left out. */
export function peel(schema: z.ZodType): Peeled {
  let current = schema;
  let isRequired = true;
  let defaultValue: unknown;
  let description = descriptionOf(schema);
  while (
    current instanceof z.ZodOptional ||
    current instanceof z.ZodNullable ||
    current instanceof z.ZodDefault
  ) {
    if (current instanceof z.ZodDefault) defaultValue = current.def.defaultValue;
    isRequired = false;
    current = current.unwrap() as z.ZodType;
    description ??= descriptionOf(current);
  }
  // An unknown value may be null.
  return { schema: current, isRequired: isRequired && !isUnknown(current), description, defaultValue };
}

function idOf(schema: z.ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.id;
}

function descriptionOf(schema: z.ZodType): string | undefined {
  return schema.meta()?.description;
}

function patternsOf(schema: z.ZodType): readonly string[] {
  const checks = schema.def.checks ?? [];
  return checks.flatMap((check) => {
    const { pattern } = check._zod.def as { readonly pattern?: RegExp };
    return pattern === undefined ? [] : [pattern.source];
  });
}

function isUnknown(schema: z.ZodType): boolean {
  return schema instanceof z.ZodUnknown || schema instanceof z.ZodAny;
}

function isTextUnion(schema: z.ZodType): boolean {
  return schema instanceof z.ZodUnion && schema.options.every((option) => option instanceof z.ZodString);
}

function isInteger(schema: z.ZodNumber): boolean {
  const formats = [schema.def, ...(schema.def.checks ?? []).map((check) => check._zod.def)];
  return formats.some((each) => (each as { readonly format?: string }).format?.includes("int") === true);
}

/** `protocol-fee-burned` → `PROTOCOL_FEE_BURNED`; GraphQL names have no hyphens. */
function constantCase(value: string): string {
  return value.replaceAll("-", "_").toUpperCase();
}

function inner(path: string, field: string): string {
  return `${path}${field.charAt(0).toUpperCase()}${field.slice(1)}`;
}

/** One of `KeyReleasesReleases` is a `KeyRelease`. */
function element(path: string): string {
  const singular = path.replace(/s$/, "");
  return singular.replace(/([A-Z][a-z]+)s\1$/, "$1");
}

function mapProperties<T>(
  schema: z.ZodObject,
  map: (name: string, property: z.ZodType) => T,
): Record<string, T> {
  const properties = Object.entries(schema.shape) as [string, z.ZodType][];
  return Object.fromEntries(properties.map(([name, property]) => [name, map(name, property)]));
}
