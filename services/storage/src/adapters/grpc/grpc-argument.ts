import { createParamDecorator, type ExecutionContext } from "@nestjs/common";

/**
 * An argument of the gRPC method as the server calls it: request, metadata and call, or call and callback for uploads.
 * Nest passes only the first one by itself when the transport is not its own gRPC server.
 */
export const GrpcArgument = createParamDecorator((index: number, context: ExecutionContext): unknown =>
  context.getArgByIndex(index),
);
