import type { MethodDefinition } from "@grpc/grpc-js";

// Method definitions are used both as producer and as consumer of their messages, so only `never`/`unknown` pairs fit all.
type AnyMethod = Omit<
  MethodDefinition<unknown, unknown>,
  "requestSerialize" | "requestDeserialize" | "responseSerialize" | "responseDeserialize"
> & {
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
};

/** A generated service definition, for example `ContentServiceService` of `@aios/proto/aios/storage/v1/storage`. */
export type GrpcServiceDefinition = Readonly<Record<string, AnyMethod>>;

export type RequestOf<M extends AnyMethod> = Parameters<M["requestSerialize"]>[0];
export type ResponseOf<M extends AnyMethod> = ReturnType<M["responseDeserialize"]>;
export type { AnyMethod };

/** `aios.storage.v1.ContentService`. */
export function serviceNameOf(definition: GrpcServiceDefinition): string {
  const path = Object.values(definition)[0]?.path;
  const name = path?.split("/")[1];
  if (name === undefined) throw new TypeError("a gRPC service definition has no methods");
  return name;
}

/** `GetContent`. */
export function methodNameOf(method: { readonly path: string }): string {
  return method.path.slice(method.path.lastIndexOf("/") + 1);
}
