export {
  ConnectRequest,
  type ConnectResponse,
  type LeaseGranted,
  ProviderLinkServiceClient,
} from "@aios/proto/aios/compute/v1/compute";

export interface TypedDataLike {
  readonly domain: Record<string, unknown>;
  readonly types: Record<string, { name: string; type: string }[]>;
  readonly message: Record<string, unknown>;
}
