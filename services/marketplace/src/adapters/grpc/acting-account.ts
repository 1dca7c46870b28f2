import { type Address, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import { currentCaller } from "@aios/service-kit/caller-context";
import { signInRequired } from "../../domain/errors.js";

/** The account that the call is made for. Throws `sign-in-required`. */
export function actingAccount(): { readonly account: Address; readonly tenant: TenantId } {
  const { account, tenant } = currentCaller();
  if (account === undefined) throw signInRequired();
  return { account, tenant: tenant ?? tenantOfAccount(account) };
}
