import { CodedError } from "@aios/kernel/coded-error";
import type { Protocol } from "./api-types.js";

/** What a caller knows of its network beforehand: a gateway that names anything else gets no signature. */
export interface ProtocolPin {
  readonly chainId: number;
  /** Registry name → address of every contract that is signed for. One that is missing is never signed for. */
  readonly contracts: Readonly<Record<string, string>>;
  /** The platform's matcher; undefined leaves it to the gateway. */
  readonly matcher?: string | undefined;
}

/**
 * The protocol that typed data is reviewed against: the pinned chain and contracts, after the gateway's were seen to be the
 * same. Throws `protocol-not-pinned`.
 */
export function pinnedProtocol(protocol: Protocol, pin: ProtocolPin): Protocol {
  if (protocol.chainId !== pin.chainId) throw notPinned("chainId", pin.chainId, protocol.chainId);
  for (const [name, address] of Object.entries(pin.contracts)) {
    const named = protocol.contracts[name];
    if (!isSame(address, named)) throw notPinned(name, address, named);
  }
  const { matcher } = protocol.accounts;
  if (pin.matcher !== undefined && !isSame(pin.matcher, matcher))
    throw notPinned("matcher", pin.matcher, matcher);
  return { ...protocol, contracts: pin.contracts };
}

function isSame(pinned: string, named: string | undefined): boolean {
  return pinned.toLowerCase() === named?.toLowerCase();
}

function notPinned(what: string, pinned: string | number, named: string | number | undefined): CodedError {
  return new CodedError({
    code: "protocol-not-pinned",
    kind: "conflict",
    message: `Not signed: the gateway names ${what} ${named ?? "not at all"}, this client was told ${pinned}.`,
    details: { what, pinned: String(pinned), named: String(named ?? "") },
  });
}
