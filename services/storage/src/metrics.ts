import { defineMetrics } from "@aios/service-kit/metrics";

export const metrics = defineMetrics("storage", {
  bytesIn: { kind: "counter", description: "bytes of stored contents, by category", unit: "By" },
  bytesOut: { kind: "counter", description: "bytes of contents read, by category", unit: "By" },
  deduplicated: { kind: "counter", description: "uploads whose content was stored already" },
  keysReleased: { kind: "counter", description: "content keys released, by purpose" },
  sweptBlocks: { kind: "counter", description: "blocks without a claim that were deleted" },
  sweptBytes: { kind: "counter", description: "bytes of such blocks", unit: "By" },
  freeDiskBytes: { kind: "gauge", description: "free bytes on the disk of the blocks", unit: "By" },
});
