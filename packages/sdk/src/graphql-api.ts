import type { GatewayConnection } from "./gateway-connection.js";
import { type GraphqlError, graphqlErrorToError } from "./problem.js";

interface GraphqlAnswer<T> {
  readonly data?: T | null;
  readonly errors?: readonly GraphqlError[];
}

/** The platform's graph: several things in one call. The schema is the gateway's `schema.graphql`. */
export class GraphqlApi {
  constructor(private readonly connection: GatewayConnection) {}

  /**
   * The data of a query or mutation, in the account's name where the client has a signer. Throws the first error as
   * the `CodedError` that the same call over REST would throw; its `details.path` names the field. A mutation is
   * safe to repeat, by its `idempotencyKey` arguments.
   */
  async request<T>(document: string, variables: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const call = {
      method: "POST",
      path: "/graphql",
      headers: { accept: "application/graphql-response+json" },
      json: { query: document, variables },
    } as const;
    const { connection } = this;
    const answer = connection.hasSigner
      ? await connection.signed<GraphqlAnswer<T>>(call)
      : await connection.open<GraphqlAnswer<T>>(call);
    const [error] = answer.errors ?? [];
    if (error !== undefined) throw graphqlErrorToError(error);
    return answer.data as T;
  }
}
