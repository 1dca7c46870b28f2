import { z } from "zod";

/** The body of a GraphQL request, as GraphQL over HTTP says; members that it does not name are left alone. */
export const graphqlRequest = z.object({
  query: z.string().nullish().meta({ description: "The document." }),
  documentId: z
    .string()
    .max(160)
    .nullish()
    .meta({ description: "A registered document's id, or sha256: and the hash of a persisted one." }),
  operationName: z.string().max(256).nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  extensions: z
    .looseObject({
      persistedQuery: z
        .object({
          version: z.literal(1),
          sha256Hash: z.string().regex(/^[0-9a-f]{64}$/, "the document's SHA-256 in hex"),
        })
        .optional()
        .meta({ description: "Apollo's automatic persisted queries." }),
    })
    .nullish(),
});

/** Checked by the handler, whose errors have GraphQL's form. */
export const graphqlBody = z.unknown().meta({
  ...(z.toJSONSchema(graphqlRequest, { io: "input" }) as object),
  id: "GraphqlRequest",
  description: "A GraphQL document and its variables.",
});

export const graphqlView = z
  .looseObject({
    data: z.unknown(),
    errors: z
      .array(
        z.looseObject({
          message: z.string(),
          extensions: z.looseObject({ code: z.string(), status: z.int() }),
        }),
      )
      .optional(),
    extensions: z
      .looseObject({
        cost: z.object({ value: z.int(), limit: z.int() }),
        depth: z.object({ value: z.int(), limit: z.int() }),
      })
      .optional(),
  })
  .meta({
    id: "GraphqlResponse",
    description: "Errors carry in their extensions what a problem says over REST, by the same codes.",
  });
