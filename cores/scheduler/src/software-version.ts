/**
 * Compares dotted versions by their numbers: negative when `a` is older. Missing parts count as 0, anything after
 * a hyphen or plus sign is ignored, a part that is not a number counts as 0.
 */
export function compareVersions(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function parts(version: string): number[] {
  const core = version.split(/[-+]/, 1)[0] ?? "";
  return core.split(".").map((part) => (/^[0-9]{1,9}$/.test(part) ? Number(part) : 0));
}
