import { afterEach, describe, expect, it } from "vitest";
import { HealthRegistry, type HealthServer, startHealthServer } from "./health.js";

let server: HealthServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function get(
  registry: HealthRegistry,
  path: string,
  method = "GET",
): Promise<{ status: number; text: string }> {
  server ??= await startHealthServer({ host: "127.0.0.1", port: 0 }, registry, async () => "metric 1\n");
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return { status: response.status, text: await response.text() };
}

describe("health", () => {
  it("is live at once, ready only when started and every check passes, and never while draining", async () => {
    const registry = new HealthRegistry("test");
    registry.register("database", async () => {
      throw new Error("connection refused");
    });
    expect((await get(registry, "/health/live")).status).toBe(200);
    expect((await get(registry, "/health/ready")).status).toBe(503);
    registry.started();
    const failing = await get(registry, "/health/ready");
    expect(failing.status).toBe(503);
    expect(JSON.parse(failing.text)).toMatchObject({
      status: "not-ready",
      checks: [
        { name: "process", ok: true },
        { name: "database", ok: false, problem: "connection refused" },
      ],
    });
    const recovered = new HealthRegistry("test");
    recovered.register("database", async () => undefined);
    recovered.started();
    expect((await recovered.report()).status).toBe("ready");
    recovered.draining();
    expect((await recovered.report()).status).toBe("draining");
    recovered.started();
    expect((await recovered.report()).status).toBe("draining");
  });

  it("gives up on a check that hangs", async () => {
    const registry = new HealthRegistry("test");
    registry.register("stuck", () => new Promise(() => undefined));
    registry.started();
    expect(await registry.report()).toMatchObject({
      status: "not-ready",
      checks: [
        { ok: true },
        { name: "stuck", ok: false, problem: expect.stringContaining("no answer within") },
      ],
    });
  });

  it("refuses two checks of one name", () => {
    const registry = new HealthRegistry("test");
    registry.register("a", async () => undefined);
    expect(() => registry.register("a", async () => undefined)).toThrowError(/registered twice/);
  });

  it("serves metrics, and nothing else", async () => {
    const registry = new HealthRegistry("test");
    expect(await get(registry, "/metrics")).toEqual({ status: 200, text: "metric 1\n" });
    expect((await get(registry, "/secrets")).status).toBe(404);
    expect((await get(registry, "/health/live", "POST")).status).toBe(405);
  });
});
