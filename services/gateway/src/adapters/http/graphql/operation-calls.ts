import { ROUTE_ARGS_METADATA } from "@nestjs/common/constants";
import { RouteParamtypes } from "@nestjs/common/enums/route-paramtypes.enum";
import type { ModuleRef } from "@nestjs/core";
import { routeNotDeclared, signInRequired } from "../../../domain/errors.js";
import type { Route } from "../openapi/openapi-document.js";
import type { GatewayCall, GatewayRequest } from "../pipeline/gateway-request.js";
import type { OperationDefinition } from "../pipeline/operation.js";
import type { OperationRunner } from "../pipeline/operation-runner.js";
import { type OperationInputs, validated } from "../pipeline/validation.js";

/** A route whose operation the graph may call. */
export interface GraphRoute extends Route {
  readonly operation: OperationDefinition;
}

export interface FieldInputs extends OperationInputs {
  readonly params: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string;
}

/** Calls of services that one document may have under way at a time. */
const AT_ONCE = 16;

/**
 * The operations of one GraphQL request. Each is what its REST route is: the same access, the same validation, the
 * same handler, the same stored outcome under the same Idempotency-Key. What a document reads twice is asked once.
 */
export class OperationCalls {
  readonly #reads = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(
    private readonly modules: ModuleRef,
    private readonly runner: OperationRunner,
    readonly request: GatewayRequest,
  ) {}

  read(route: GraphRoute, inputs: FieldInputs): Promise<unknown> {
    const key = `${route.operation.id} ${JSON.stringify(inputs)}`;
    const known = this.#reads.get(key);
    if (known !== undefined) return known;
    const answer = this.#inTurn(() => this.#call(route, inputs));
    this.#reads.set(key, answer);
    return answer;
  }

  /** What was read before may be otherwise now. */
  forget(): void {
    this.#reads.clear();
  }

  /** What was read before may be otherwise after it. */
  change(route: GraphRoute, inputs: FieldInputs): Promise<unknown> {
    this.forget();
    return this.#call(route, inputs);
  }

  async #call(route: GraphRoute, given: FieldInputs): Promise<unknown> {
    const { operation } = route;
    const { request } = this;
    // Operators' operations are no part of the graph.
    if (operation.access === "operator") throw routeNotDeclared();
    if (operation.access === "account" && request.session === undefined) throw signInRequired();
    const inputs = validated(operation, given);
    const call: GatewayCall = {
      method: route.method.toUpperCase(),
      url: urlOf(route.path, given.params),
      headers: given.idempotencyKey === undefined ? {} : { "idempotency-key": given.idempotencyKey },
      ...(request.session === undefined ? {} : { session: request.session }),
      ...(request.traceId === undefined ? {} : { traceId: request.traceId }),
      ...(request.gone === undefined ? {} : { gone: request.gone }),
    };
    const controller = this.modules.get<object>(route.controller, { strict: false });
    const handler = Reflect.get(controller, route.handler) as (...values: unknown[]) => unknown;
    const handle = async (): Promise<unknown> =>
      handler.apply(controller, argumentsOf(route, { ...inputs, call }));
    if (operation.repetition !== "idempotency-key") return handle();
    return (await this.runner.once(operation, call, inputs.body, handle)).answer;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}

/** The address that the same call has over REST. */
function urlOf(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{([A-Za-z]+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
}

type Argument = (values: OperationInputs & { readonly call: GatewayCall }) => unknown;

const ARGUMENTS: Readonly<Partial<Record<RouteParamtypes, Argument>>> = {
  [RouteParamtypes.REQUEST]: ({ call }) => call,
  [RouteParamtypes.BODY]: ({ body }) => body,
  [RouteParamtypes.QUERY]: ({ query }) => query,
  [RouteParamtypes.PARAM]: ({ params }) => params,
};

interface ArgumentMetadata {
  readonly index: number;
  /** Name of one path parameter, or undefined for the whole. */
  readonly data?: string;
}

function metadataOf({ controller, handler }: Route): readonly (readonly [string, ArgumentMetadata])[] {
  const metadata = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handler) as
    | Readonly<Record<string, ArgumentMetadata>>
    | undefined;
  return Object.entries(metadata ?? {});
}

/** Whether the handler takes nothing that only an HTTP request has, such as the reply. */
export function isCallable(route: Route): boolean {
  return metadataOf(route).every(([kind]) => ARGUMENTS[kindOf(kind)] !== undefined);
}

function argumentsOf(route: Route, values: OperationInputs & { readonly call: GatewayCall }): unknown[] {
  const found: unknown[] = [];
  for (const [kind, { index, data }] of metadataOf(route)) {
    const value = ARGUMENTS[kindOf(kind)]?.(values);
    found[index] = data === undefined ? value : (value as Readonly<Record<string, unknown>>)[data];
  }
  return found;
}

/** Nest names an argument by its kind and its place: `5:1`. */
function kindOf(key: string): RouteParamtypes {
  return Number(key.split(":", 1)[0]) as RouteParamtypes;
}
