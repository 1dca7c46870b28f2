import type { NamedSignature } from "@aios/proto/aios/common/v1/common";

export type { ConnectRequest, ConnectResponse } from "@aios/proto/aios/compute/v1/compute";
export type NamedSignatures = readonly NamedSignature[];
