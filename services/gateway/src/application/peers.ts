import type { ComputeServiceService } from "@aios/proto/aios/compute/v1/compute";
import type { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import type { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import type { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import type { ScoringServiceService } from "@aios/proto/aios/scoring/v1/scoring";
import type { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import type { GrpcClient } from "@aios/service-kit/grpc-client";

/** The services behind the gateway, as typed clients; the tokens they are injected by. */
export const COMPUTE = Symbol("compute");
export const ECONOMY = Symbol("economy");
export const MARKETPLACE = Symbol("marketplace");
export const PROVER = Symbol("zk-prover");
export const SCORING = Symbol("scoring");
export const CONTENT = Symbol("storage content");
export const CONTENT_KEYS = Symbol("storage content keys");

export type ComputePeer = GrpcClient<typeof ComputeServiceService>;
export type EconomyPeer = GrpcClient<typeof EconomyServiceService>;
export type MarketplacePeer = GrpcClient<typeof MarketplaceServiceService>;
export type ProverPeer = GrpcClient<typeof ProverServiceService>;
export type ScoringPeer = GrpcClient<typeof ScoringServiceService>;
export type ContentPeer = GrpcClient<typeof ContentServiceService>;
export type ContentKeyPeer = GrpcClient<typeof ContentKeyServiceService>;
