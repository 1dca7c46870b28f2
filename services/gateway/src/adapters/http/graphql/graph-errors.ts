import { CodedError } from "@aios/kernel/coded-error";

/** What GraphQL itself said about a document: at most this much of it goes to the caller. */
const MOST_COMPLAINTS = 5;

const complaints = (problems: readonly string[]): { readonly problems: readonly string[] } => ({
  problems: problems.slice(0, MOST_COMPLAINTS).map((problem) => problem.slice(0, 500)),
});

export const documentMissing = (): CodedError =>
  new CodedError({
    code: "document-missing",
    kind: "invalid",
    message: "Send a GraphQL document as query, or name a stored one by documentId.",
    field: "query",
  });

export const documentTooLarge = (limitBytes: number): CodedError =>
  new CodedError({
    code: "document-too-large",
    kind: "too-large",
    message: `A GraphQL document may have at most ${limitBytes} bytes.`,
    field: "query",
    details: { limitBytes },
  });

export const documentMalformed = (problem: string): CodedError =>
  new CodedError({
    code: "document-malformed",
    kind: "invalid",
    message: `The GraphQL document cannot be read: ${problem.slice(0, 500)}`,
    field: "query",
  });

export const documentInvalid = (problems: readonly string[]): CodedError =>
  new CodedError({
    code: "document-invalid",
    kind: "invalid",
    message: `The GraphQL document does not fit the schema: ${problems[0]?.slice(0, 500)}`,
    field: "query",
    details: complaints(problems),
  });

export const operationUnknown = (): CodedError =>
  new CodedError({
    code: "operation-unknown",
    kind: "invalid",
    message: "operationName must name one operation of the document; it may be left out where there is one.",
    field: "operationName",
  });

export const variablesInvalid = (problems: readonly string[]): CodedError =>
  new CodedError({
    code: "variables-invalid",
    kind: "invalid",
    message: `The variables do not fit the document: ${problems[0]?.slice(0, 500)}`,
    field: "variables",
    details: complaints(problems),
  });

export const queryTooDeep = (depth: number, limit: number): CodedError =>
  new CodedError({
    code: "query-too-deep",
    kind: "invalid",
    message: `The document nests ${depth} fields or more; at most ${limit} are allowed.`,
    field: "query",
    details: { depth, limit },
  });

export const queryTooExpensive = (limit: number): CodedError =>
  new CodedError({
    code: "query-too-expensive",
    kind: "invalid",
    message: `The document costs more than ${limit}. Ask for fewer things, or for smaller pages.`,
    field: "query",
    details: { limit },
  });

/** Apollo's clients know this by its message and send the document along. */
export const persistedDocumentUnknown = (): CodedError =>
  new CodedError({
    code: "persisted-query-not-found",
    kind: "not-found",
    message: "PersistedQueryNotFound",
    field: "extensions.persistedQuery",
  });

export const persistedDocumentMismatch = (): CodedError =>
  new CodedError({
    code: "persisted-query-mismatch",
    kind: "invalid",
    message: "The document's SHA-256 is not the one that it was to be stored under.",
    field: "extensions.persistedQuery.sha256Hash",
  });

export const documentNotRegistered = (): CodedError =>
  new CodedError({
    code: "document-not-registered",
    kind: "forbidden",
    message: "This gateway runs only documents that its operator has registered.",
    field: "query",
  });

export const streamNotAccepted = (): CodedError =>
  new CodedError({
    code: "subscription-needs-event-stream",
    kind: "invalid",
    message: "A subscription is answered as server-sent events: send Accept: text/event-stream.",
    field: "Accept",
  });

export const badRegisteredDocument = (id: string, problem: string): CodedError =>
  new CodedError({
    code: "bad-registered-document",
    kind: "invalid",
    message: `GATEWAY_GRAPHQL_DOCUMENTS_FILE: the document ${id} cannot be executed. ${problem}`,
  });
