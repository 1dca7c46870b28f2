import { RequestMethod, type Type } from "@nestjs/common";
import { METHOD_METADATA, PATH_METADATA } from "@nestjs/common/constants";
import { z } from "zod";
import { type OperationDefinition, operationOf } from "../pipeline/operation.js";
import { problem } from "../schemas/common.schemas.js";

type JsonSchema = Record<string, unknown>;

export interface Route {
  readonly method: string;
  /** OpenAPI form: `/v1/jobs/{jobId}`. */
  readonly path: string;
  /** Undefined for a route that declares nothing, and is closed. */
  readonly operation: OperationDefinition | undefined;
  readonly controller: Type<unknown>;
  /** Name of the controller's method. */
  readonly handler: string;
}

const PROBLEM_TEXT: Readonly<Record<number, string>> = {
  400: "The request is malformed.",
  401: "Sign in first, or the session has ended.",
  402: "A licence or funds are missing; details name the price.",
  403: "Another account owns this.",
  404: "There is no such thing.",
  409: "It conflicts with what already happened; details say with what.",
  410: "It is no longer there.",
  413: "The body is too large.",
  422: "The input does not fit; `field` names what is wrong.",
  429: "Too many requests; wait as Retry-After says.",
  503: "A part of the platform cannot be reached; wait as Retry-After says.",
};

/** Every route of the controllers, from the same metadata that routes and guards them. */
export function routesOf(controllers: readonly Type<unknown>[]): Route[] {
  const routes: Route[] = [];
  for (const controller of controllers) {
    const base = String(Reflect.getMetadata(PATH_METADATA, controller) ?? "");
    for (const name of Object.getOwnPropertyNames(controller.prototype)) {
      const handler = (controller.prototype as Record<string, unknown>)[name];
      if (typeof handler !== "function") continue;
      const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
      if (method === undefined) continue;
      const path = `/${base}/${String(Reflect.getMetadata(PATH_METADATA, handler) ?? "")}`
        .replace(/\/+/g, "/")
        .replace(/(.)\/$/, "$1")
        .replace(/:([A-Za-z]+)/g, "{$1}");
      routes.push({
        method: RequestMethod[method].toLowerCase(),
        path,
        operation: operationOf(handler),
        controller,
        handler: name,
      });
    }
  }
  return routes;
}

/** The OpenAPI 3.1 document of the controllers. */
export function openApiDocument(controllers: readonly Type<unknown>[], version: string): JsonSchema {
  const components = new Components();
  const paths: Record<string, JsonSchema> = {};
  for (const route of routesOf(controllers)) {
    if (route.operation === undefined) continue;
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: operationObject(route.operation, components),
    };
  }
  return {
    openapi: "3.1.0",
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    info: {
      title: "AiOS gateway",
      version,
      description:
        "Amounts are decimal strings of wei, bytes are 0x hex, times are milliseconds since the Unix epoch. Mutating calls carry an Idempotency-Key. Errors are problem details (RFC 9457) with a stable code.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: components.schemas(),
      securitySchemes: { session: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

/** Whoever sits at a local gateway's machine needs no session for the operators' view. */
const SECURITY = {
  public: [],
  account: [{ session: [] }],
  operator: [{ session: [] }, {}],
} as const;

function operationObject(operation: OperationDefinition, components: Components): JsonSchema {
  const { body, answer } = operation;
  const parameters = [
    ...parametersOf(operation.params, "path", components),
    ...parametersOf(operation.query, "query", components),
    ...parametersOf(operation.headers, "header", components),
    ...(operation.repetition === "idempotency-key" || operation.repetition === "idempotency-key-of-stream"
      ? [IDEMPOTENCY_KEY]
      : []),
  ];
  const requestBody =
    operation.bodyType === "application/octet-stream"
      ? { required: true, content: { "application/octet-stream": {} } }
      : body === undefined
        ? undefined
        : { required: true, content: { "application/json": { schema: components.reference(body) } } };
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    tags: [operation.tag],
    security: SECURITY[operation.access],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      [String(operation.status ?? 200)]: {
        description: "Done.",
        content: { [operation.answerType ?? "application/json"]: { schema: components.reference(answer) } },
      },
      ...problemResponses(operation, components),
    },
  };
}

function problemResponses(operation: OperationDefinition, components: Components): JsonSchema {
  const statuses = new Set([...(operation.problems ?? []), 429, 503]);
  if (operation.access !== "public") statuses.add(401);
  if (operation.access === "operator") statuses.add(403);
  if (
    operation.params !== undefined ||
    operation.query !== undefined ||
    operation.repetition?.startsWith("idempotency")
  )
    statuses.add(400);
  if (operation.body !== undefined) for (const status of [400, 413, 422]) statuses.add(status);
  if (operation.repetition?.startsWith("idempotency")) statuses.add(409);
  const responses: JsonSchema = {};
  for (const status of [...statuses].sort((a, b) => a - b)) {
    responses[String(status)] = {
      description: PROBLEM_TEXT[status] ?? "A problem.",
      ...(status === 429 || status === 503
        ? { headers: { "Retry-After": { schema: { type: "integer" }, description: "Seconds." } } }
        : {}),
      content: { "application/problem+json": { schema: components.reference(problem) } },
    };
  }
  return responses;
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: true,
  description:
    "Fresh for each new intention. The same key and body give the same outcome; another body gives 409.",
  schema: { type: "string", minLength: 1, maxLength: 128 },
};

function parametersOf(schema: z.ZodObject | undefined, place: string, components: Components): JsonSchema[] {
  if (schema === undefined) return [];
  return Object.entries(schema.shape).map(([name, field]) => {
    const type = field as z.ZodType;
    const optional = type.safeParse(undefined).success;
    const described = type.meta()?.description;
    return {
      name,
      in: place,
      required: !optional,
      ...(described === undefined ? {} : { description: described }),
      schema: components.reference(type),
    };
  });
}

/** Schemas with an id become components; all others stay where they are used. */
class Components {
  readonly #schemas = new Map<string, JsonSchema>();

  reference(schema: z.ZodType): JsonSchema {
    const {
      $schema: _dialect,
      $defs,
      ...root
    } = z.toJSONSchema(schema, {
      io: "input",
      unrepresentable: "any",
      target: "draft-2020-12",
    }) as JsonSchema & {
      $defs?: Record<string, JsonSchema>;
    };
    for (const [id, definition] of Object.entries($defs ?? {})) this.#add(id, definition);
    const id = z.globalRegistry.get(schema)?.id;
    if (id === undefined) return rewritten(root) as JsonSchema;
    // zod leaves no more than a reference at the root where it put the schema among the definitions.
    if ($defs?.[id] === undefined) this.#add(id, root);
    return { $ref: `#/components/schemas/${id}` };
  }

  schemas(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #add(id: string, definition: JsonSchema): void {
    const { id: _id, $schema: _dialect, $defs: _defs, ...rest } = definition;
    this.#schemas.set(id, rewritten(rest) as JsonSchema);
  }
}

function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) =>
      key === "$ref" && typeof item === "string"
        ? [key, item.replace("#/$defs/", "#/components/schemas/")]
        : [key, rewritten(item)],
    ),
  );
}
