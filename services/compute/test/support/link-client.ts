export {
  ConnectRequest,
  type ConnectResponse,
  type LeaseGranted,
  ProviderLinkServiceClient,
} from "@aios/proto/aios/compute/v1/compute";
