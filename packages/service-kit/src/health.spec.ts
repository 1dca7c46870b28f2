import { afterEach, describe, expect, it, vi } from "vitest";
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
  it("is live at once, ready only when started, and never while draining", async () => {
    const registry = new HealthRegistry("test");
    expect((await get(registry, "/health/live")).status).toBe(200);
    expect((await get(registry, "/health/ready")).status).toBe(503);
    registry.started();
    expect((await get(registry, "/health/ready")).status).toBe(200);
    expect((await get(registry, "/health")).status).toBe(200);
    expect(registry.draining()).toBe(true);
    registry.started();
    expect((await registry.readiness()).status).toBe("draining");
    expect((await registry.report()).status).toBe("draining");
  });

  it("takes the first call once its backends are there, and goes on when one is lost", async () => {
    const registry = new HealthRegistry("test");
    let away = true;
    registry.register("database", async () => {
      if (away) throw new Error("connection refused");
    });
    registry.started();
    const waiting = await get(registry, "/health/ready");
    expect(waiting.status).toBe(503);
    expect(JSON.parse(waiting.text)).toMatchObject({
      status: "not-ready",
      checks: [
        { name: "process", ok: true },
        { name: "database", ok: false, problem: "connection refused" },
      ],
    });
    away = false;
    await vi.waitFor(async () => expect((await registry.readiness()).status).toBe("ready"));
    away = true;
    const lost = await vi.waitFor(async () => {
      const answer = await get(registry, "/health");
      expect(answer.status).toBe(503);
      return answer;
    });
    expect(JSON.parse(lost.text)).toMatchObject({
      status: "unhealthy",
      checks: [{ ok: true }, { name: "database", ok: false }],
    });
    expect((await get(registry, "/health/ready")).status).toBe(200);
  });

  it("is not ready while it lacks what no call can do without, and ready whatever is only told", async () => {
    const registry = new HealthRegistry("test");
    let expired = false;
    registry.register(
      "tls-certificate",
      async () => {
        if (expired) throw new Error("expired");
      },
      "always",
    );
    registry.register("disk", () => Promise.reject(new Error("full")), "never");
    registry.started();
    expect((await registry.readiness()).status).toBe("ready");
    expect((await registry.report()).status).toBe("unhealthy");
    expired = true;
    await vi.waitFor(async () => expect((await registry.readiness()).status).toBe("not-ready"));
  });

  it("gives up on a check that hangs", async () => {
    const registry = new HealthRegistry("test");
    registry.register("stuck", () => new Promise(() => undefined));
    registry.started();
    expect(await registry.report()).toMatchObject({
      status: "unhealthy",
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

  it("tells what the process knows of itself once it does, where it does at all", async () => {
    const registry = new HealthRegistry("test");
    expect((await get(registry, "/process")).status).toBe(404);
    await server?.close();
    let known: object | undefined;
    const metrics = async () => "";
    server = await startHealthServer({ host: "127.0.0.1", port: 0 }, registry, metrics, async () => known);
    expect((await get(registry, "/process")).status).toBe(503);
    known = { version: "1.2.3" };
    expect(await get(registry, "/process")).toEqual({ status: 200, text: '{"version":"1.2.3"}' });
  });
});
