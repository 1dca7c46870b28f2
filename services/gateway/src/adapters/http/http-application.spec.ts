import { CodedError } from "@aios/kernel/coded-error";
import { loadSettings } from "@aios/service-kit/config";
import { describe, expect, it } from "vitest";
import { gatewaySettings } from "../../config.js";
import { createHttpApplication } from "./http-application.js";

class NoRoutes {}

async function countedAddress(
  trustedProxies: readonly string[],
  remoteAddress: string,
  forwardedFor: string,
): Promise<string> {
  const app = await createHttpApplication(
    { module: NoRoutes },
    { jsonMaxBytes: 1_024, corsOrigins: [], studioDirectory: undefined, trustedProxies },
  );
  app.useLogger(false);
  app
    .getHttpAdapter()
    .getInstance()
    .get("/address", (request) => request.ip);
  try {
    const headers = { "x-forwarded-for": forwardedFor };
    return (await app.inject({ method: "GET", url: "/address", remoteAddress, headers })).body;
  } finally {
    await app.close();
  }
}

describe("the address that a caller is counted under", () => {
  it("is the connection's own, whatever it claims, where no proxy is trusted", async () => {
    expect(await countedAddress([], "10.1.2.3", "198.51.100.7")).toBe("10.1.2.3");
  });

  it("is what a trusted proxy saw, not what the caller told it", async () => {
    const told = "192.0.2.66, 198.51.100.7, 10.9.9.9";
    expect(await countedAddress(["10.0.0.0/8"], "10.1.2.3", told)).toBe("198.51.100.7");
    expect(await countedAddress(["fd00::/8"], "fd00::1", "2001:db8::7")).toBe("2001:db8::7");
  });

  it("is the connection's own where that comes past the proxies", async () => {
    expect(await countedAddress(["10.0.0.0/8"], "198.51.100.9", "192.0.2.66")).toBe("198.51.100.9");
  });
});

describe("GATEWAY_TRUSTED_PROXIES", () => {
  const { GATEWAY_TRUSTED_PROXIES } = gatewaySettings;
  const read = (text: string): readonly string[] =>
    loadSettings({ GATEWAY_TRUSTED_PROXIES }, { GATEWAY_TRUSTED_PROXIES: text }).GATEWAY_TRUSTED_PROXIES;

  it("takes addresses and ranges of both families", () => {
    expect(read("10.0.0.0/8, 192.0.2.1,fd00::/8")).toEqual(["10.0.0.0/8", "192.0.2.1", "fd00::/8"]);
    expect(loadSettings({ GATEWAY_TRUSTED_PROXIES }, {}).GATEWAY_TRUSTED_PROXIES).toEqual([]);
  });

  it.each(["0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.0/8/8", "loopback", "10.0.0/8", "10.0.0.0/"])(
    "refuses %s",
    (text) => {
      expect(() => read(text)).toThrow(CodedError);
    },
  );
});
