import { CodedError } from "@aios/kernel/coded-error";
import type { z } from "zod";
import type { OperationDefinition } from "./operation.js";

/** What a caller gave to an operation, by where a REST request carries it. */
export interface OperationInputs {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** The inputs as the operation's schemas read them; what it has no schema for stays as it came. Throws `invalid-input`. */
export function validated(operation: OperationDefinition, given: OperationInputs): OperationInputs {
  const { params, query, headers, body } = operation;
  return {
    params: params === undefined ? given.params : parsed(params, given.params, "invalid"),
    query: query === undefined ? given.query : parsed(query, given.query, "invalid"),
    headers: headers === undefined ? given.headers : parsed(headers, given.headers, "invalid"),
    body: body === undefined ? given.body : parsed(body, given.body ?? {}, "unprocessable"),
  };
}

/** The value as the schema reads it. Throws `invalid-input` with the field that is wrong. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, kind: "invalid" | "unprocessable"): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const field = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])]
    .map(String)
    .join(".");
  throw new CodedError({
    code: "invalid-input",
    kind,
    message:
      field === ""
        ? `The input is not valid: ${issue?.message ?? "it does not fit"}.`
        : `${field} is not valid: ${issue?.message ?? "it does not fit"}.`,
    ...(field === "" ? {} : { field }),
    details: {
      issues: result.error.issues
        .slice(0, 10)
        .map((each) => ({ field: each.path.map(String).join("."), problem: each.message })),
    },
  });
}
