import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { z } from "zod";

const manifest = z.record(z.string().min(1).max(160), z.string().min(1));

/** The operator's GraphQL documents by id. Throws `bad-documents-file`. */
export async function registeredDocuments(file: string | undefined): Promise<ReadonlyMap<string, string>> {
  if (file === undefined) return new Map();
  let read: unknown;
  try {
    read = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw badFile(file, cause instanceof Error ? cause.message : "it cannot be read", cause);
  }
  const documents = manifest.safeParse(read);
  if (!documents.success) throw badFile(file, "a JSON object of documents by their ids is expected");
  return new Map(Object.entries(documents.data));
}

function badFile(file: string, problem: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "bad-documents-file",
    kind: "invalid",
    message: `GATEWAY_GRAPHQL_DOCUMENTS_FILE names ${file}, which cannot be used: ${problem}.`,
    cause,
  });
}
