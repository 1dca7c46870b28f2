// What is inside an image, as CycloneDX 1.6: every package with its version, licence and the lock file's checksum.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** @returns {string} the document, the same for the same packages */
export function billOfMaterials({ root, image, version, nodeVersion, packages }) {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "container", name: `aios-${image}`, version } },
    components: [
      { type: "platform", name: "node", version: nodeVersion, licenses: [{ license: { id: "MIT" } }] },
      ...packages.map((entry) => componentOf(entry, lock[entry.path]?.integrity)),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function componentOf({ name, version, licence, local }, integrity) {
  return {
    type: "library",
    name,
    version,
    ...(local ? {} : { purl: `pkg:npm/${name.replace("@", "%40")}@${version}` }),
    ...(licence === undefined ? {} : { licenses: [{ expression: licence }] }),
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
  };
}

function hashOf(integrity) {
  const [algorithm, digest] = integrity.split(" ")[0].split(/-(.*)/s);
  return { alg: algorithm.replace("sha", "SHA-"), content: Buffer.from(digest, "base64").toString("hex") };
}
