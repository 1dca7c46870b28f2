import { toCodedError } from "@aios/kernel/coded-error";
import { logLevelOf } from "@aios/service-kit/error-mapping";
import type { Logger } from "@aios/service-kit/logger";
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from "graphql";
import type { GatewayRequest } from "../pipeline/gateway-request.js";
import { StoredProblem } from "../pipeline/problem.js";
import { DocumentBudget } from "./document-budget.js";
import { costOfDocument, type DocumentCost, type DocumentLimits } from "./document-cost.js";
import type { Documents } from "./documents.js";
import {
  badRegisteredDocument,
  documentInvalid,
  documentMalformed,
  operationUnknown,
  variablesInvalid,
} from "./graph-errors.js";
import { causeOf, graphError } from "./graph-problems.js";
import type { GraphContext } from "./graph-schema.js";

export interface GraphSettings extends DocumentLimits {
  /** Introspection, and the page to try documents on. */
  readonly explorer: boolean;
}

/** The body of a GraphQL request, read. */
export interface GraphRequest {
  readonly query?: string | undefined;
  readonly documentId?: string | undefined;
  readonly sha256Hash?: string | undefined;
  readonly operationName?: string | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** A document that may be executed: it fits the schema, its variables and its limits. */
export interface PreparedDocument extends DocumentCost {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly changes: boolean;
}

const MOST_TOKENS = 5_000;
const MOST_COMPLAINTS = 10;

/** Reads, checks and executes documents. */
export class GraphExecution {
  constructor(
    readonly schema: GraphQLSchema,
    private readonly documents: Documents,
    private readonly settings: GraphSettings,
    private readonly logger: Logger,
  ) {}

  /** Everything that is refused is refused here, before anything of the document is executed. */
  prepare(request: GraphRequest): PreparedDocument {
    const document = this.#parsed(this.documents.textOf(request));
    this.#check(document);
    const operation = getOperationAST(document, request.operationName);
    if (operation === null || operation === undefined) throw operationUnknown();
    const variables = request.variables ?? {};
    const read = getVariableValues(this.schema, operation.variableDefinitions ?? [], variables, {
      maxErrors: MOST_COMPLAINTS,
      hideSuggestions: !this.settings.explorer,
    });
    if (read.errors !== undefined) throw variablesInvalid(read.errors.map(({ message }) => message));
    const { depth, cost } = costOfDocument(
      this.schema,
      document,
      operation,
      read.variableValues,
      this.settings,
    );
    return {
      document,
      operation,
      variables,
      depth,
      cost,
      changes: operation.operation === OperationTypeNode.MUTATION,
    };
  }

  /** Throws `bad-registered-document` for a document of the operator's that this schema cannot execute. */
  checkRegistered(id: string, text: string): void {
    try {
      this.#check(this.#parsed(text));
    } catch (error) {
      throw badRegisteredDocument(id, toCodedError(error).message);
    }
  }

  /** What executing a document may cost; `charge` takes from its caller's bucket what it costs beyond its count. */
  budgetOf({ cost }: PreparedDocument, charge: (tokens: number) => Promise<void>): DocumentBudget {
    return new DocumentBudget(cost, this.settings.maxCost, charge);
  }

  /** Executes a query or a mutation. */
  async run(
    prepared: PreparedDocument,
    context: GraphContext,
    request: GatewayRequest,
  ): Promise<FormattedExecutionResult> {
    const result = await execute(this.#arguments(prepared, context, request));
    return {
      ...this.#formatted(result, request),
      extensions: this.#extensions({ depth: prepared.depth, cost: context.budget.cost }),
    };
  }

  /** The results of a subscription. Throws where it cannot begin. */
  async watch(
    prepared: PreparedDocument,
    context: GraphContext,
    request: GatewayRequest,
  ): Promise<AsyncIterator<FormattedExecutionResult>> {
    const results = await subscribe(this.#arguments(prepared, context, request));
    if (!(Symbol.asyncIterator in results)) throw causeOf(results.errors?.[0]);
    const formatted = (result: ExecutionResult): FormattedExecutionResult => this.#formatted(result, request);
    return (async function* () {
      for await (const result of results) yield formatted(result);
    })();
  }

  #parsed(text: string): DocumentNode {
    try {
      return parse(text, { maxTokens: MOST_TOKENS });
    } catch (error) {
      throw error instanceof GraphQLError ? documentMalformed(error.message) : error;
    }
  }

  #check(document: DocumentNode): void {
    const { explorer } = this.settings;
    const rules = explorer ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
    const problems = validate(this.schema, document, rules, {
      maxErrors: MOST_COMPLAINTS,
      hideSuggestions: !explorer,
    });
    if (problems.length > 0) throw documentInvalid(problems.map(({ message }) => message));
  }

  #arguments(
    { document, operation, variables }: PreparedDocument,
    contextValue: GraphContext,
    request: GatewayRequest,
  ): Parameters<typeof execute>[0] {
    return {
      schema: this.schema,
      document,
      contextValue,
      variableValues: variables,
      operationName: operation.name?.value ?? null,
      hideSuggestions: !this.settings.explorer,
      // What changes something goes on when its caller leaves, so that its outcome is stored.
      ...(request.gone === undefined || operation.operation === OperationTypeNode.MUTATION
        ? {}
        : { abortSignal: request.gone }),
    };
  }

  #formatted(result: ExecutionResult, request: GatewayRequest): FormattedExecutionResult {
    const { data, errors } = result;
    for (const error of errors ?? []) this.#log(error, request);
    return {
      ...(data === undefined ? {} : { data }),
      ...(errors === undefined ? {} : { errors: errors.map((error) => graphError(error, request)) }),
    };
  }

  #log(thrown: GraphQLError, { traceId }: GatewayRequest): void {
    const error = causeOf(thrown);
    if (error instanceof StoredProblem) return;
    this.logger[logLevelOf(error)](
      { error, path: thrown.path?.join("."), traceId },
      "a field of a GraphQL document failed",
    );
  }

  #extensions({ cost, depth }: DocumentCost): Record<string, unknown> {
    return {
      cost: { value: cost, limit: this.settings.maxCost },
      depth: { value: depth, limit: this.settings.maxDepth },
    };
  }
}
