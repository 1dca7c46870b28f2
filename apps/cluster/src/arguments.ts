import { CodedError } from "@aios/kernel/coded-error";

type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: readonly { readonly message: string }[] } };

/** What a schema made of an option's text. Throws `argument-invalid`. */
export function argument<T>(name: string, parsed: Parsed<T>): T {
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues[0]?.message ?? "it cannot be read";
  throw new CodedError({
    code: "argument-invalid",
    kind: "invalid",
    message: `--${name}: ${reason}.`,
    field: name,
  });
}

/** A text that has to be there. Throws `argument-missing`. */
export function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new CodedError({
    code: "argument-missing",
    kind: "invalid",
    message: `${name} is missing. See --help.`,
    field: name,
  });
}
