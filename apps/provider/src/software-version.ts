import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Of this program, as its package says. */
export const SOFTWARE_VERSION = versionIn(findPackageJSON("..", import.meta.url));

function versionIn(packageFile: string | undefined): string {
  if (packageFile === undefined) throw new Error("The provider's package.json is missing.");
  const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { readonly version: string };
  return version;
}
