import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);

/** One check in a module's text: `find` stands there once and becomes `replace`, in which OFF is true where it is off. */
export interface ModuleSwitch {
  readonly check: string;
  readonly find: string;
  readonly replace: string;
}

export interface SwitchableModules {
  /** By file name, without ending. */
  readonly modules: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Places in them that refuse. */
  readonly refusals: number;
  /** Names of the checks that are off. */
  readonly off: Set<string>;
}

declare global {
  var switchedOffChecks: Set<string> | undefined;
}

/**
 * Loads copies of a package's compiled modules whose checks can be switched off, from a directory of their own. `of` is
 * one of them as the package exports it; their other imports are the originals.
 */
export async function loadSwitchable(
  of: string,
  switches: Readonly<Record<string, readonly ModuleSwitch[]>>,
  directory: string,
): Promise<SwitchableModules> {
  const folder = dirname(require.resolve(of));
  let refusals = 0;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const [name, own] of Object.entries(switches)) {
    let text = await readFile(join(folder, `${name}.js`), "utf8");
    refusals += text.match(/throw (malformed|new CodedError)\(|return false;/g)?.length ?? 0;
    for (const { check, find, replace } of own) {
      if (text.split(find).length !== 2)
        throw new Error(`${name}.js does not have once what ${check} is: ${find}`);
      text = text.replace(find, () =>
        replace.replaceAll("OFF", `globalThis.switchedOffChecks.has(${JSON.stringify(check)})`),
      );
    }
    text = text.replace(/(from|import) "([^"]+)"/g, (whole, word: string, specifier: string) =>
      specifier.startsWith("./") && specifier.slice(2, -3) in switches
        ? whole
        : `${word} "${pathToFileURL(specifier.startsWith("./") ? join(folder, specifier) : require.resolve(specifier)).href}"`,
    );
    await writeFile(join(directory, `${name}.js`), text.replace(/\n\/\/# sourceMappingURL.*/, ""));
  }
  const off = new Set<string>();
  globalThis.switchedOffChecks = off;
  const loaded = Object.keys(switches).map(async (name) => {
    const url = pathToFileURL(join(directory, `${name}.js`)).href;
    return [name, (await import(/* @vite-ignore */ url)) as Record<string, unknown>] as const;
  });
  return { modules: Object.fromEntries(await Promise.all(loaded)), refusals, off };
}
