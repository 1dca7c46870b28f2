/** One thing that `aios doctor` looked at. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "problem";
  readonly detail: string;
  /** What to do about it; absent when all is well. */
  readonly fix?: string;
}

export function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail };
}

export function warning(name: string, detail: string, fix: string): Finding {
  return { name, state: "warning", detail, fix };
}

export function problem(name: string, detail: string, fix: string): Finding {
  return { name, state: "problem", detail, fix };
}
