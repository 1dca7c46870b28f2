import { isCodedError } from "@aios/kernel/coded-error";
import type { Job } from "@aios/proto/aios/compute/v1/compute";
import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getNullableType,
} from "graphql";
import { z } from "zod";
import type { Route } from "../openapi/openapi-document.js";
import { jobViewOf } from "../views/job.views.js";
import type { DocumentBudget } from "./document-budget.js";
import type { FieldCost } from "./document-cost.js";
import { LINKS, type Link, MUTATIONS, QUERIES, SUBSCRIPTIONS } from "./graph.js";
import { type GraphObject, GraphTypes, peel } from "./graph-types.js";
import { chargeLongLists } from "./list-charges.js";
import { type FieldInputs, type GraphRoute, isCallable, type OperationCalls } from "./operation-calls.js";

/** What resolvers get with every request. */
export interface GraphContext {
  readonly calls: OperationCalls;
  readonly budget: DocumentBudget;
  /** The job's changes, until it ends. */
  readonly watchJob: (jobId: string) => Promise<AsyncIterable<Job | undefined>>;
}

type Field = GraphQLFieldConfig<GraphObject, GraphContext>;
type Values = Readonly<Record<string, unknown>>;

const IDEMPOTENCY_KEY = {
  type: new GraphQLNonNull(GraphQLString),
  description:
    "Fresh for each new intention. The same key and arguments give the same outcome; other arguments are refused.",
};

/** The graph of the operations that `graph.ts` names. Throws where one of them cannot be a field. */
export function graphSchema(routes: readonly Route[]): GraphQLSchema {
  const schema = new SchemaBuilder(routes).build();
  chargeLongLists(schema);
  return schema;
}

class SchemaBuilder {
  readonly #routes: ReadonlyMap<string, GraphRoute>;
  readonly #types: GraphTypes;

  constructor(routes: readonly Route[]) {
    const declared = routes.filter((route): route is GraphRoute => route.operation !== undefined);
    this.#routes = new Map(declared.map((route) => [route.operation.id, route]));
    this.#types = new GraphTypes((typeName) => this.#links(typeName));
  }

  build(): GraphQLSchema {
    return new GraphQLSchema({
      description:
        "The platform's graph. Amounts are decimal strings of wei, times milliseconds since the epoch.",
      query: this.#root("Query", QUERIES, (name, id) => this.#query(name, id)),
      mutation: this.#root("Mutation", MUTATIONS, (name, id) => this.#mutation(name, id)),
      subscription: this.#root("Subscription", SUBSCRIPTIONS, (name, id) => this.#subscription(name, id)),
    });
  }

  #root(
    name: string,
    fields: Readonly<Record<string, string>>,
    make: (field: string, operationId: string) => Field,
  ): GraphQLObjectType {
    const made = Object.entries(fields).map(([field, id]) => [field, make(field, id)] as const);
    return new GraphQLObjectType({ name, fields: Object.fromEntries(made) });
  }

  #query(name: string, id: string): Field {
    const route = this.#callable(id);
    const { unwrap, ...field } = this.#field(route, name);
    return {
      ...field,
      args: {
        ...this.#pathArguments(route, name),
        ...this.#queryArguments(route, name),
        ...this.#bodyArgument(route, name),
      },
      resolve: async (_source, values, { calls }) => unwrap(await calls.read(route, inputsOf(route, values))),
    };
  }

  #mutation(name: string, id: string): Field {
    const route = this.#callable(id);
    const { unwrap, ...field } = this.#field(route, name);
    return {
      ...field,
      args: {
        ...this.#pathArguments(route, name),
        ...this.#bodyArgument(route, name),
        ...(route.operation.repetition === "idempotency-key" ? { idempotencyKey: IDEMPOTENCY_KEY } : {}),
      },
      resolve: async (_source, values, { calls }) =>
        unwrap(await calls.change(route, inputsOf(route, values))),
    };
  }

  #subscription(name: string, id: string): Field {
    const route = this.#route(id);
    return {
      description: "The job at once and at every change, until it ends.",
      type: this.#types.output(route.operation.answer, name),
      args: this.#pathArguments(route, name),
      extensions: { cost: costOf(route) },
      subscribe: (_source, values, context) => context.watchJob(String(values["jobId"])),
      resolve: (job, _values, { budget, calls }) => {
        budget.renew();
        calls.forget();
        return jobViewOf(job as unknown as Job | undefined);
      },
    };
  }

  /** Fields that lead on from a type. */
  #links(typeName: string): GraphQLFieldConfigMap<GraphObject, unknown> {
    const links = Object.entries(LINKS[typeName] ?? {});
    return Object.fromEntries(
      links.map(([name, link]) => [name, this.#link(name, link)]),
    ) as GraphQLFieldConfigMap<GraphObject, unknown>;
  }

  #link(name: string, link: Link): Field {
    const route = this.#callable(link.operation);
    const { unwrap, ...field } = this.#field(route, name);
    return {
      ...field,
      args: this.#queryArguments(route, name),
      resolve: async (from, values, { calls }) => {
        const params = link.params(from);
        if (params === undefined) return null;
        try {
          return unwrap(await calls.read(route, { ...inputsOf(route, values), params }));
        } catch (error) {
          if (isCodedError(error) && error.kind === "not-found") return null;
          throw error;
        }
      },
    };
  }

  /** Answers of an operation are null where it fails, so that the rest of the document stands. */
  #field(
    route: GraphRoute,
    name: string,
  ): Pick<Field, "type" | "description" | "extensions"> & {
    readonly unwrap: (answer: unknown) => unknown;
  } {
    const { summary, answer } = route.operation;
    const shared = { description: `${summary}.`, extensions: { cost: costOf(route) } };
    const shape = peel(answer).schema;
    const properties = shape instanceof z.ZodObject ? Object.entries(shape.shape) : [];
    if (shape instanceof z.ZodObject && properties.length === 0) {
      return { ...shared, type: GraphQLBoolean, unwrap: () => true };
    }
    const [only, ...others] = properties;
    if (only !== undefined && others.length === 0 && only[1] instanceof z.ZodArray) {
      // An answer that only wraps a list is the list.
      const stem = z.globalRegistry.get(answer)?.id ?? name;
      const path = `${stem}${only[0].charAt(0).toUpperCase()}${only[0].slice(1)}`;
      const type = getNullableType(this.#types.output(only[1], path));
      return { ...shared, type, unwrap: (value) => (value as Values)[only[0]] };
    }
    return { ...shared, type: getNullableType(this.#types.output(answer, name)), unwrap: (value) => value };
  }

  #pathArguments({ operation }: GraphRoute, name: string): GraphQLFieldConfigArgumentMap {
    return operation.params === undefined ? {} : this.#types.inputFields(operation.params, name);
  }

  #queryArguments({ operation }: GraphRoute, name: string): GraphQLFieldConfigArgumentMap {
    return operation.query === undefined ? {} : this.#types.inputFields(operation.query, name);
  }

  #bodyArgument({ operation }: GraphRoute, name: string): GraphQLFieldConfigArgumentMap {
    const { body } = operation;
    const isEmpty = body instanceof z.ZodObject && Object.keys(body.shape).length === 0;
    if (body === undefined || isEmpty) return {};
    return { input: { type: this.#types.input(body, name) } };
  }

  #callable(id: string): GraphRoute {
    const route = this.#route(id);
    if (!isCallable(route))
      throw new Error(`${id} takes what only an HTTP request has; it cannot be a field`);
    return route;
  }

  #route(id: string): GraphRoute {
    const route = this.#routes.get(id);
    if (route === undefined) throw new Error(`the graph names ${id}, but no route has that operation`);
    return route;
  }
}

function costOf({ operation }: GraphRoute): FieldCost {
  const calls = typeof operation.cost === "number" ? operation.cost : 1;
  const pages = operation.query?.shape["pageSize"] as z.ZodType | undefined;
  if (pages === undefined) return { calls };
  return {
    calls,
    pageSize: ({ pageSize }) => {
      // As in the call: null is what is left out.
      const read = pages.safeParse(pageSize ?? undefined);
      // A size that is refused when it comes to the call holds nothing.
      return read.success ? (read.data as number) : 1;
    },
  };
}

/** Values of a field's arguments, sorted by where the operation takes them. */
function inputsOf({ operation }: GraphRoute, values: Values): FieldInputs {
  const pick = (schema: z.ZodObject | undefined): Record<string, unknown> =>
    Object.fromEntries(
      Object.keys(schema?.shape ?? {}).flatMap((name) =>
        values[name] == null ? [] : [[name, values[name]]],
      ),
    );
  return {
    params: pick(operation.params),
    query: pick(operation.query),
    body: withoutNulls(values["input"] ?? {}),
    ...(typeof values["idempotencyKey"] === "string" ? { idempotencyKey: values["idempotencyKey"] } : {}),
  };
}

/** GraphQL says null for what is left out; the operations' schemas do not take null for it. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, withoutNulls(item)]),
  );
}
