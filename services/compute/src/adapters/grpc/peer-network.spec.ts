import { expect, it } from "vitest";
import { networkOfPeer } from "./peer-network.js";

it("counts an IPv4 address alone, and all of an IPv6 customer's addresses together", () => {
  expect(networkOfPeer("203.0.113.9:50000")).toBe("203.0.113.9");
  expect(networkOfPeer("::ffff:203.0.113.9:50000")).toBe("203.0.113.9");
  const one = networkOfPeer("[2001:db8:0:7::1]:50000");
  expect(one).toBe("2001:db8:0:7::/64");
  for (const other of [
    "2001:DB8::7:ffff:1:2:3:50000",
    "2001:0db8:0000:0007:1:1:1:1:1",
    "2001:db8:0:7::9%eth0",
  ])
    expect(networkOfPeer(other.includes("%") ? `[${other}]:1` : other)).toBe(one);
  expect(networkOfPeer("2001:db8:0:8::1:50000")).not.toBe(one);
  expect(networkOfPeer("::1:50000")).toBe("0:0:0:0::/64");
  expect(networkOfPeer("unknown")).toBe("unknown");
});
