import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const toolchain = process.env["RUST_WEB_ROOT"] ?? join(homedir(), ".cache/aios/rust-web-1.96");
const isPresent = existsSync(join(toolchain, "usr/bin/rustc"));

describe.skipIf(!isPresent)(
  "checked-in prover module (skipped where the pinned Rust compiler is absent)",
  () => {
    it("is what its source compiles to, bit for bit", () => {
      const script = fileURLToPath(new URL("../../crate/build-wasm.sh", import.meta.url));
      const { status, stderr } = spawnSync(script, ["--check"], { encoding: "utf8", timeout: 900_000 });
      expect(status, stderr).toBe(0);
    }, 900_000);
  },
);
