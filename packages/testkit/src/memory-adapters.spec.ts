import { ChainClock } from "@aios/kernel/chain-clock";
import { ManualClock } from "@aios/kernel/clock";
import { SeededRng } from "@aios/kernel/random";
import { MemoryLockManager } from "@aios/service-kit/memory-lock";
import { MemoryRateLimiter } from "@aios/service-kit/memory-rate-limiter";
import { systemClock } from "@aios/service-kit/system-clock";
import { systemRng } from "@aios/service-kit/system-rng";
import { clockConformance } from "./clock-conformance.js";
import { eventBusConformance } from "./event-bus-conformance.js";
import { lockManagerConformance } from "./lock-conformance.js";
import { MemoryEventBus, MemoryEventLog } from "./memory-event-bus.js";
import { rateLimiterConformance } from "./rate-limiter-conformance.js";
import { rngConformance } from "./rng-conformance.js";

clockConformance("ManualClock", () => {
  const clock = new ManualClock(1);
  return { clock, pass: (ms) => clock.advance(ms) };
});
clockConformance("SystemClock", () => ({ clock: systemClock, pass: () => undefined }));
clockConformance("ChainClock", () => {
  const machine = new ManualClock(1);
  const clock = new ChainClock(machine);
  clock.sawBlock(1_700_000_000);
  return { clock, pass: (ms) => machine.advance(ms) };
});

let seed = 1;
rngConformance("SeededRng", () => new SeededRng(seed++));
rngConformance("the system's generator", () => systemRng);

eventBusConformance("MemoryEventBus", async () => {
  const log = new MemoryEventLog();
  return { open: async () => new MemoryEventBus(log), close: async () => undefined };
});

rateLimiterConformance("MemoryRateLimiter", async () => {
  const clock = new ManualClock(1);
  const limiter = new MemoryRateLimiter(clock);
  return { open: async () => limiter, pass: async (ms) => clock.advance(ms), close: async () => undefined };
});

lockManagerConformance("MemoryLockManager", async () => {
  const clock = new ManualClock(1);
  const locks = new MemoryLockManager(clock);
  return { open: async () => locks, pass: async (ms) => clock.advance(ms), close: async () => undefined };
});
