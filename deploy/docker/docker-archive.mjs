// A container image as `docker load` and `ctr images import` take it, without a daemon. Same files, same bytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

const REPRODUCIBLE = [
  "--sort=name",
  "--mtime=@0",
  "--owner=0",
  "--group=0",
  "--numeric-owner",
  "--format=gnu",
];
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

/**
 * Packs `rootFilesystem` as one layer with its configuration into `file`.
 * @param {{ reference: string, rootFilesystem: string, config: object, file: string }} image
 * @returns {Promise<{ id: string, layerBytes: number }>} the image's id
 */
export async function writeDockerArchive({ reference, rootFilesystem, config, file }) {
  mkdirSync(dirname(file), { recursive: true });
  const staging = mkdtempSync(join(tmpdir(), "aios-image-"));
  try {
    const layer = join(staging, "layer.tar");
    execFileSync("tar", [...REPRODUCIBLE, "-C", rootFilesystem, "-cf", layer, "."]);
    const layerDigest = await sha256(layer);
    const configText = JSON.stringify({
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
      config,
      history: [{ created: "1970-01-01T00:00:00Z" }],
    });
    const id = createHash("sha256").update(configText).digest("hex");
    mkdirSync(join(staging, layerDigest));
    renameSync(layer, join(staging, layerDigest, "layer.tar"));
    writeFileSync(join(staging, `${id}.json`), configText);
    const manifest = [{ Config: `${id}.json`, RepoTags: [reference], Layers: [`${layerDigest}/layer.tar`] }];
    writeFileSync(join(staging, "manifest.json"), JSON.stringify(manifest));
    execFileSync("tar", [
      ...REPRODUCIBLE,
      ...["-C", staging, "-cf", file, "manifest.json", `${id}.json`, `${layerDigest}/layer.tar`],
    ]);
    return { id };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function sha256(file) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
