import { PLATFORM_TENANT, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import type { Housekeeping, NonceStore, RevocationStore, Session } from "../../domain/ports.js";

export class PrismaSessionStore implements NonceStore, RevocationStore, Housekeeping {
  constructor(private readonly prisma: PrismaClient) {}

  async issue(nonce: string, expiresAt: TimestampMs): Promise<void> {
    await this.prisma.signInNonce.create({
      data: { nonce, tenant: PLATFORM_TENANT, expiresAt: new Date(expiresAt) },
    });
  }

  async consume(nonce: string, now: TimestampMs): Promise<boolean> {
    const at = new Date(now);
    const used = await this.prisma.signInNonce.updateMany({
      where: { nonce, tenant: PLATFORM_TENANT, usedAt: null, expiresAt: { gt: at } },
      data: { usedAt: at },
    });
    return used.count === 1;
  }

  async revoke(session: Session, tenant: TenantId): Promise<void> {
    const data = [{ sessionId: session.sessionId, tenant, expiresAt: new Date(session.expiresAtMs) }];
    await this.prisma.revokedSession.createMany({ data, skipDuplicates: true });
  }

  // By its id: nobody can guess a session's, and a revoked one is nobody's any more.
  async isRevoked(sessionId: string): Promise<boolean> {
    const found = await this.prisma.revokedSession.findUnique({
      where: { sessionId },
      select: { sessionId: true },
    });
    return found !== null;
  }

  // All tenants: what has expired goes, whosever it is.
  async removeExpired(now: TimestampMs): Promise<number> {
    const expired = { where: { expiresAt: { lte: new Date(now) } } };
    const nonces = await this.prisma.signInNonce.deleteMany(expired);
    const sessions = await this.prisma.revokedSession.deleteMany(expired);
    return nonces.count + sessions.count;
  }
}
