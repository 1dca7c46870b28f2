import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { expect, it } from "vitest";
import type { DepositedKey, KeyRelease } from "../../src/domain/content-key.js";
import type { ContentKeyRepository } from "../../src/domain/ports.js";

const OWNER = "account:a" as TenantId;
const CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" as ContentId;
const AT = 1_800_000_000_000 as TimestampMs;

function deposited(change: Partial<DepositedKey> = {}): DepositedKey {
  return {
    tenantId: OWNER,
    cid: CID,
    keyId: "key-1",
    sealedKey: {
      ephemeralPublicKey: new Uint8Array(32).fill(1),
      nonce: new Uint8Array(12).fill(2),
      ciphertext: new Uint8Array(48).fill(3),
    },
    servicePurposes: ["proof"],
    leaseScopes: ["licensed-jobs"],
    depositedAt: AT,
    ...change,
  };
}

function release(at: number, tenantId = OWNER): KeyRelease {
  return {
    releaseId: crypto.randomUUID(),
    tenantId,
    cid: CID,
    recipient: "zk-prover",
    recipientPublicKey: new Uint8Array(32).fill(at),
    purpose: "proof",
    jobId: "",
    fencingToken: at,
    releasedAt: (AT + at) as TimestampMs,
  };
}

/** What every `ContentKeyRepository` does. `claim` lets a tenant claim a content; `crash` ends its backend in the middle and brings it back. */
export function contentKeyRepositoryConformance(
  open: () => ContentKeyRepository,
  claim: (tenant: TenantId, cid: ContentId) => Promise<unknown>,
  crash: () => Promise<void>,
): void {
  it("takes no key of a content that its tenant did not claim", async () => {
    await expect(open().deposit(deposited({ tenantId: "account:nobody" as TenantId }))).rejects.toThrow();
  });

  it("keeps a tenant's latest deposit, and no other tenant's", async () => {
    await claim(OWNER, CID);
    await open().deposit(deposited());
    const renewed = deposited({ keyId: "key-2", leaseScopes: [], servicePurposes: [] });
    await open().deposit(renewed);
    await crash();
    expect(await open().find(OWNER, CID)).toEqual(renewed);
    expect(await open().find("account:b" as TenantId, CID)).toBeUndefined();
  });

  it("has every release in the log once it resolved, newest first, the owner's own only", async () => {
    const releases = [1, 2, 3, 4].map((at) => release(at));
    for (const one of releases) await open().logRelease(one);
    await open().logRelease(release(9, "account:b" as TenantId));
    await crash();
    expect(await open().listReleases(OWNER, CID, 100)).toEqual(releases.toReversed());
    expect(await open().listReleases(OWNER, CID, 2)).toEqual(releases.toReversed().slice(0, 2));
  });
}
