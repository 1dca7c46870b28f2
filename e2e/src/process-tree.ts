import { readdirSync, readFileSync } from "node:fs";

/** A process and all its living descendants, as /proc tells them. */
export function processTree(pid: number): readonly number[] {
  return [pid, ...children(pid).flatMap(processTree)];
}

function children(pid: number): number[] {
  const found: number[] = [];
  for (const task of safeList(`/proc/${pid}/task`)) {
    const text = safeRead(`/proc/${pid}/task/${task}/children`).trim();
    if (text !== "") found.push(...text.split(/\s+/).map(Number));
  }
  return found;
}

function safeList(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function safeRead(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
