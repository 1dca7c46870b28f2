import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/**
 * Credentials of a caller that has no certificate of its own: the peer's must be signed by an authority of the PEM file,
 * or of this machine for `system`. Throws `tls-file-unreadable`.
 */
export async function tlsClientCredentials(variable: string, file: string): Promise<ChannelCredentials> {
  if (file === "system") return credentials.createSsl();
  try {
    return credentials.createSsl(await readFile(file));
  } catch (error) {
    throw new CodedError({
      code: "tls-file-unreadable",
      kind: "invalid",
      message: `${variable}: ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
      details: { variable },
    });
  }
}
