import { isIPv6 } from "node:net";

const GROUPS = 8;
/** Least that a network gives one customer: whoever has one address has all of them. */
const GROUPS_OF_CUSTOMER = 4;

/** Whose links count together: an IPv4 address, or the /64 of an IPv6 one; of a gRPC peer, `<address>:<port>`. */
export function networkOfPeer(peer: string): string {
  const host = peer
    .replace(/:[0-9]+$/, "")
    .replace(/^\[|\]$/g, "")
    .replace(/%.*$/, "");
  const mapped = /^::ffff:([0-9.]+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(host) ? `${groupsOf(host).slice(0, GROUPS_OF_CUSTOMER).join(":")}::/64` : host;
}

function groupsOf(address: string): readonly string[] {
  const [head = "", tail = ""] = address.toLowerCase().split("::");
  const before = partsOf(head);
  const after = partsOf(tail);
  const zeros = Array<string>(Math.max(0, GROUPS - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16).toString(16));
}

/** An IPv4 tail stands for two groups, which never reach the first four. */
function partsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(":").flatMap((part) => (part.includes(".") ? ["0", "0"] : [part]));
}
