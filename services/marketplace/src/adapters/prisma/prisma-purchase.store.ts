import { randomUUID } from "node:crypto";
import { type Address, tenantOfAccount } from "@aios/kernel/identifiers";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import { purchaseNotFound } from "../../domain/errors.js";
import type { Failure, Licence, Purchase } from "../../domain/model.js";
import type { NewPurchase, PurchaseStore } from "../../domain/ports.js";
import { failureColumns, toLicence, toPurchase } from "./mapping.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class PrismaPurchaseStore implements PurchaseStore {
  constructor(private readonly prisma: PrismaClient) {}

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async byId(purchaseId: string): Promise<Purchase> {
    if (!UUID.test(purchaseId)) throw purchaseNotFound(purchaseId);
    const row = await this.prisma.purchase.findUnique({ where: { purchaseId } });
    if (row === null) throw purchaseNotFound(purchaseId);
    return toPurchase(row);
  }

  async prepare(purchase: NewPurchase, nowMs: number): Promise<Purchase> {
    const { buyer, modelId } = purchase;
    const terms = {
      priceWei: purchase.priceWei.toString(),
      nonce: purchase.nonce.toString(),
      deadline: purchase.deadlineSeconds,
      permitNonce: purchase.permitNonce.toString(),
    };
    // The partial unique index lets one purchase be under way; a second request meets the first.
    await this.prisma.purchase.createMany({
      data: [
        {
          ...terms,
          purchaseId: randomUUID(),
          tenant: purchase.tenant,
          buyer,
          modelId,
          state: "prepared",
          createdAtMs: BigInt(nowMs),
          updatedAtMs: BigInt(nowMs),
        },
      ],
      skipDuplicates: true,
    });
    const row = await this.prisma.purchase.findFirstOrThrow({
      where: { tenant: purchase.tenant, buyer, modelId, state: { in: ["prepared", "submitted"] } },
    });
    const fresh = row.permitNonce === terms.permitNonce && row.deadline >= purchase.deadlineSeconds - 3_000n;
    if (row.state === "submitted" || fresh) return toPurchase(row);
    await this.prisma.purchase.updateMany({
      where: { purchaseId: row.purchaseId, tenant: row.tenant, state: "prepared" },
      data: { ...terms, updatedAtMs: BigInt(nowMs) },
    });
    return this.byId(row.purchaseId);
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async submit(
    purchaseId: string,
    purchase: Uint8Array,
    permit: Uint8Array,
    nowMs: number,
  ): Promise<Purchase> {
    await this.prisma.purchase.updateMany({
      where: { purchaseId, state: "prepared" },
      data: {
        state: "submitted",
        purchaseSignature: Buffer.from(purchase),
        permitSignature: Buffer.from(permit),
        updatedAtMs: BigInt(nowMs),
      },
    });
    return this.byId(purchaseId);
  }

  // All tenants: the service goes on with everybody's unfinished steps.
  async submitted(limit: number): Promise<readonly Purchase[]> {
    const rows = await this.prisma.purchase.findMany({
      where: { state: "submitted" },
      orderBy: { updatedAtMs: "asc" },
      take: limit,
    });
    return rows.map(toPurchase);
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async failed(purchaseId: string, failure: Failure, nowMs: number): Promise<void> {
    await this.prisma.purchase.updateMany({
      where: { purchaseId, state: "submitted" },
      data: { state: "failed", ...failureColumns(failure), updatedAtMs: BigInt(nowMs) },
    });
  }

  async licensed(licence: Licence, priceWei: bigint, transactionHash: string, nowMs: number): Promise<void> {
    const { licenceId, modelId, owner } = licence;
    const tenant = tenantOfAccount(owner);
    await this.prisma.$transaction([
      this.prisma.licence.createMany({
        data: [{ licenceId, tenant, modelId, owner, priceWei: priceWei.toString(), transactionHash }],
        skipDuplicates: true,
      }),
      this.prisma.purchase.updateMany({
        where: { tenant, buyer: owner, modelId, state: "submitted" },
        data: { state: "owned", licenceId, transactionHash, updatedAtMs: BigInt(nowMs) },
      }),
    ]);
  }

  async licencesOf(modelId: bigint, owner: Address, limit: number): Promise<readonly Licence[]> {
    const rows = await this.prisma.licence.findMany({
      where: { tenant: tenantOfAccount(owner), modelId, owner },
      orderBy: { licenceId: "desc" },
      take: limit,
    });
    return rows.map(toLicence);
  }
}
