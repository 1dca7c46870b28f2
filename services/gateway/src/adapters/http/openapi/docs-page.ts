import { type Route } from "./openapi-document.js";

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const ACCESS = { public: "open to all", account: "needs a session", operator: "for operators" } as const;

/** The API as one self-contained page without scripts. */
export function docsPage(routes: readonly Route[], version: string): string {
  const tags = new Map<string, string[]>();
  for (const { method, path, operation } of routes) {
    if (operation === undefined) continue;
    const access = ACCESS[operation.access];
    const key = operation.repetition?.startsWith("idempotency") ? ", needs an Idempotency-Key" : "";
    const row = `<tr><td><code>${method.toUpperCase()}</code></td><td><code>${escaped(path)}</code></td><td>${escaped(operation.summary)}<br><small>${access}${key}</small></td></tr>`;
    tags.set(operation.tag, [...(tags.get(operation.tag) ?? []), row]);
  }
  const sections = [...tags].map(
    ([tag, rows]) =>
      `<h2>${escaped(tag)}</h2><table><thead><tr><th scope="col">Method</th><th scope="col">Path</th><th scope="col">What it does</th></tr></thead><tbody>${rows.join("")}</tbody></table>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>AiOS API ${escaped(version)}</title><link rel="stylesheet" href="/docs.css"></head><body><main><h1>AiOS API</h1><p>Version ${escaped(version)}. The machine-readable form is <a href="/openapi.json">OpenAPI 3.1</a>.</p>${sections.join("")}</main></body></html>`;
}

export const DOCS_STYLE =
  ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;background:Canvas;color:CanvasText}main{max-width:60rem;margin:0 auto;padding:1.5rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #8886}code{overflow-wrap:anywhere}small{opacity:.8}";
