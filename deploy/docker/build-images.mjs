// `npm run images`: container images of the services without docker, with the root file system that the Dockerfile
// gives. `node deploy/docker/build-images.mjs --help` says how.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { billOfMaterials } from "./bill-of-materials.mjs";
import { dependencyClosure } from "./dependency-closure.mjs";
import { writeDockerArchive } from "./docker-archive.mjs";
import { USER_ID, writeRootFilesystem } from "./root-filesystem.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const IMAGES = JSON.parse(readFileSync(join(root, "deploy/docker/images.json"), "utf8"));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    registry: { type: "string", default: "aios" },
    tag: { type: "string", default: version },
    out: { type: "string", default: join(root, ".aios", "images") },
    "root-filesystem-only": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(`Usage: npm run images -- [options] [image…]

Builds container images: all of them, or those named: ${Object.keys(IMAGES).join(", ")}.
For each there are OUT/<image>/rootfs, OUT/<image>.tar (for docker load, or ctr -n k8s.io images import) and
OUT/<image>.cdx.json (CycloneDX list of what is inside). An image of more than 250 MB, unpacked, is an error.

  --registry NAME          first part of the images' names, for example registry.example.org/aios (aios)
  --tag TAG                their tag (${version})
  --out FOLDER             where they go (.aios/images)
  --root-filesystem-only   only the files, as the Dockerfile takes them`);
  process.exit(0);
}

/** Of what is unpacked: what a node fetches is smaller. */
const LARGEST_IMAGE_BYTES = 250e6;

const names = positionals.length === 0 ? Object.keys(IMAGES) : positionals;
for (const name of names) {
  if (IMAGES[name] !== undefined) continue;
  console.error(`There is no image '${name}'. There are: ${Object.keys(IMAGES).join(", ")}.`);
  process.exit(2);
}
for (const name of names) await build(name, IMAGES[name]);

async function build(name, { workspace, with: added = [] }) {
  const packages = dependencyClosure(root, workspace);
  const rootFilesystem = join(values.out, name, "rootfs");
  writeRootFilesystem({
    root,
    node: process.execPath,
    packages,
    folders: added.map((folder) => `${folder}/dist`),
    out: rootFilesystem,
  });
  const bom = billOfMaterials({ root, image: name, version, nodeVersion: process.versions.node, packages });
  mkdirSync(join(rootFilesystem, "usr/share/sbom"), { recursive: true });
  writeFileSync(join(rootFilesystem, "usr/share/sbom", `aios-${name}.cdx.json`), bom);
  writeFileSync(join(values.out, `${name}.cdx.json`), bom);
  const bytes = bytesOf(rootFilesystem);
  const size = `${(bytes / 2 ** 20).toFixed(0)} MiB, ${packages.length} packages`;
  if (bytes > LARGEST_IMAGE_BYTES) {
    console.error(
      `${name} has ${size}, more than ${LARGEST_IMAGE_BYTES / 1e6} MB: see ${name}.cdx.json for what came along.`,
    );
    process.exitCode = 1;
  }
  if (values["root-filesystem-only"]) return console.log(`${name}: ${size}`);

  const reference = `${values.registry}/${name}:${values.tag}`;
  const file = join(values.out, `${name}.tar`);
  const { id } = await writeDockerArchive({
    reference,
    rootFilesystem,
    config: imageConfig(name, workspace),
    file,
  });
  console.log(`${reference}: ${size}, sha256:${id.slice(0, 12)} in ${file}`);
}

/** The Dockerfile says the same; `images.spec.ts` holds them together. */
function imageConfig(name, workspace) {
  return {
    User: `${USER_ID}:${USER_ID}`,
    Env: ["PATH=/usr/local/bin", "NODE_ENV=production", "AIOS_DATA_DIR=/data"],
    WorkingDir: "/app",
    Entrypoint: ["/usr/local/bin/node", "--enable-source-maps", `/app/${workspace}/dist/src/main.js`],
    Labels: {
      "org.opencontainers.image.title": `aios-${name}`,
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": "Apache-2.0",
    },
  };
}

function bytesOf(path) {
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
