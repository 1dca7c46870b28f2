import { type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import { currentCaller } from "@aios/service-kit/caller-context";

/** Whose data a call concerns: the user acted for, the provider itself, or the calling service. */
export function callingTenant(): TenantId {
  const caller = currentCaller();
  if (caller.tenant !== undefined) return caller.tenant;
  if (caller.account !== undefined) return tenantOfAccount(caller.account);
  return `service:${caller.service}` as TenantId;
}
