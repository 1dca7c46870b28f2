import { type CommandInput, UsageError } from "./command.js";

type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: readonly { readonly message: string }[] } };

/** The value of an option that the command cannot do without. */
export function required({ options }: CommandInput, name: string): string {
  const value = options[name];
  if (value === undefined) throw new UsageError(`--${name} is missing.`);
  return value;
}

/** An option's text as what it stands for. Throws `UsageError` where it is none. */
export function optionOf<T>(
  option: string,
  schema: { safeParse(given: unknown): Parsed<T> },
  text: string,
): T {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--${option} '${text}': ${parsed.error.issues[0]?.message ?? "cannot be read"}.`);
}
