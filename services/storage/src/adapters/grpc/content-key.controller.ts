import { contentId } from "@aios/core-content-id/content-id";
import { jobId } from "@aios/kernel/identifiers";
import type {
  DepositKeyRequest,
  DepositKeyResponse,
  GetWrappingKeyResponse,
  ListReleasesRequest,
  ListReleasesResponse,
  ReleaseKeyRequest,
  ReleaseKeyResponse,
} from "@aios/proto/aios/storage/v1/storage";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { type Caller, currentCaller } from "@aios/service-kit/caller-context";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { DepositKey } from "../../application/deposit-key.use-case.js";
import { ListReleases } from "../../application/list-releases.use-case.js";
import { type Grant, ReleaseKey } from "../../application/release-key.use-case.js";
import { invalidGrant } from "../../domain/errors.js";
import type { WrappingKey } from "../../domain/ports.js";
import { metrics } from "../../metrics.js";
import { WRAPPING_KEY } from "../../tokens.js";
import { callingTenant } from "./calling-tenant.js";

@Controller()
export class ContentKeyController {
  readonly #depositKey: DepositKey;
  readonly #releaseKey: ReleaseKey;
  readonly #listReleases: ListReleases;
  readonly #wrappingKey: WrappingKey;

  constructor(
    @Inject(DepositKey) depositKey: DepositKey,
    @Inject(ReleaseKey) releaseKey: ReleaseKey,
    @Inject(ListReleases) listReleases: ListReleases,
    @Inject(WRAPPING_KEY) wrappingKey: WrappingKey,
  ) {
    this.#depositKey = depositKey;
    this.#releaseKey = releaseKey;
    this.#listReleases = listReleases;
    this.#wrappingKey = wrappingKey;
  }

  @GrpcMethod("ContentKeyService", "GetWrappingKey")
  @AllowCallers("gateway", "compute", "zk-prover", "marketplace", "provider")
  getWrappingKey(): GetWrappingKeyResponse {
    return { publicKey: this.#wrappingKey.publicKey, keyId: this.#wrappingKey.keyId };
  }

  @GrpcMethod("ContentKeyService", "DepositKey")
  @AllowCallers("gateway", "compute")
  async depositKey(request: DepositKeyRequest): Promise<DepositKeyResponse> {
    const { cid, keyId, sealedKey, servicePurposes, leaseScopes } = request;
    if (sealedKey === undefined) throw invalidGrant("sealedKey", "present");
    const deposit = { cid: contentId(cid), keyId, sealedKey, servicePurposes, leaseScopes };
    await this.#depositKey.execute(callingTenant(), deposit);
    return {};
  }

  @GrpcMethod("ContentKeyService", "ReleaseKey")
  @AllowCallers("zk-prover", "provider")
  async releaseKey(request: ReleaseKeyRequest): Promise<ReleaseKeyResponse> {
    const grant = grantOf(request, currentCaller());
    const released = await this.#releaseKey.execute(
      contentId(request.cid),
      request.recipientPublicKey,
      grant,
    );
    metrics.keysReleased.add(1, { purpose: grant.kind === "lease" ? "lease" : grant.purpose });
    return { ...released };
  }

  @GrpcMethod("ContentKeyService", "ListReleases")
  @AllowCallers("gateway")
  async listReleases(request: ListReleasesRequest): Promise<ListReleasesResponse> {
    const releases = await this.#listReleases.execute(callingTenant(), contentId(request.cid));
    return {
      releases: releases.map(
        ({ releaseId, cid, recipient, purpose, jobId: job, fencingToken, releasedAt }) => ({
          releaseId,
          cid,
          recipient,
          purpose,
          jobId: job,
          fencingToken,
          releasedAtMs: releasedAt,
        }),
      ),
    };
  }
}

/** A provider's own address comes from its session, never from the message. */
function grantOf(request: ReleaseKeyRequest, caller: Caller): Grant {
  if (caller.role === "provider") {
    if (request.lease === undefined || caller.account === undefined)
      throw invalidGrant("grant", "a lease, for a provider");
    const { fencingToken } = request.lease;
    return {
      kind: "lease",
      claim: { jobId: jobId(request.lease.jobId), fencingToken, provider: caller.account },
    };
  }
  if (request.service === undefined) throw invalidGrant("grant", "a purpose, for a service");
  return { kind: "service", service: caller.service, ...request.service };
}
