import { isLoopback } from "./loopback.js";

/** Who may look at the platform's inside. */
export interface OperatorPolicy {
  /** Lower-case accounts of operators. */
  readonly accounts: ReadonlySet<string>;
  /** The host that the gateway listens on. */
  readonly listenHost: string;
  /** Whether the machine that the gateway listens on for itself alone needs no account. */
  readonly loopbackOperator: boolean;
}

export interface OperatorClaim {
  readonly account: string | undefined;
  /** The Host header. */
  readonly host: string | undefined;
  /** Whether a proxy handed the request on. */
  readonly forwarded: boolean;
}

/**
 * An operator's account may, over any way. Without one, whoever sits at the machine may where that was chosen: the
 * gateway listens on a loopback address, is named by one (so that no foreign name that resolves to it gets in) and no
 * proxy stands between. A proxy need not say that it is one, therefore the choice.
 */
export function mayOperate(
  { accounts, listenHost, loopbackOperator }: OperatorPolicy,
  { account, host, forwarded }: OperatorClaim,
): boolean {
  if (account !== undefined && accounts.has(account.toLowerCase())) return true;
  if (!loopbackOperator || forwarded || host === undefined) return false;
  return isLoopback(listenHost) && isLoopback(hostName(host));
}

function hostName(host: string): string {
  const name = host.replace(/:[0-9]+$/, "");
  return name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
}
