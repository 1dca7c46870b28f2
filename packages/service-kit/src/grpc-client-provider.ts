import type { FactoryProvider } from "@nestjs/common";
import type { GrpcServiceDefinition } from "./grpc-methods.js";
import { SERVICE_CONTEXT, type ServiceContext } from "./service-context.js";

/** Provides `GrpcClient<typeof definition>` under `token`; `settingName` is `<SERVICE>_GRPC_URL`. */
export function grpcClientProvider(
  token: symbol | string,
  definition: GrpcServiceDefinition,
  settingName: string,
): FactoryProvider {
  return {
    provide: token,
    inject: [SERVICE_CONTEXT],
    useFactory: (context: ServiceContext) => context.grpcClient(definition, settingName),
  };
}
