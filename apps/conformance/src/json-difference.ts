type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const shown = (value: Json | undefined): string =>
  value === undefined ? "absent" : JSON.stringify(value).slice(0, 200);

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first place where two JSON values differ, with both; `undefined` when they are equal. */
export function jsonDifference(actual: Json, expected: Json, path = "result"): string | undefined {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    if (actual.length !== expected.length)
      return `${path} has ${actual.length} items, expected ${expected.length}`;
    for (const [index, item] of expected.entries()) {
      const difference = jsonDifference(actual[index] as Json, item as Json, `${path}[${index}]`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  if (isObject(actual) && isObject(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const [a, e] = [actual[key], expected[key]];
      if (a === undefined || e === undefined) return `${path}.${key} is ${shown(a)}, expected ${shown(e)}`;
      const difference = jsonDifference(a, e, `${path}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  return actual === expected ? undefined : `${path} is ${shown(actual)}, expected ${shown(expected)}`;
}

/** As `jsonDifference`, of kinds alone: null fits anything, and keys that only one side has are optional. */
export function shapeDifference(actual: Json, expected: Json, path = "result"): string | undefined {
  if (actual === null || expected === null) return undefined;
  if (Array.isArray(actual) && Array.isArray(expected)) {
    if (actual.length === 0 || expected.length === 0) return undefined;
    return shapeDifference(actual[0] as Json, expected[0] as Json, `${path}[0]`);
  }
  if (isObject(actual) && isObject(expected)) {
    for (const [key, item] of Object.entries(expected)) {
      const own = actual[key];
      const difference = own === undefined ? undefined : shapeDifference(own, item, `${path}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  return typeof actual === typeof expected && Array.isArray(actual) === Array.isArray(expected)
    ? undefined
    : `${path} is ${shown(actual)}, expected a value like ${shown(expected)}`;
}

export type { Json };
