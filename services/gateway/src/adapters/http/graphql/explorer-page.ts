import { type GraphQLSchema, printSchema } from "graphql";

const EXAMPLE = `query Overview {
  health { status services { name healthy } }
  models(pageSize: 5) { items { modelId name licencePriceWei } }
}`;

/** A page to try documents on: no third party's script, nothing kept. */
export function explorerPage(schema: GraphQLSchema): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>AiOS GraphQL</title><link rel="stylesheet" href="/docs.css"><script src="/graphql/explorer.js" defer></script></head><body><main><h1>AiOS GraphQL</h1><p>Any GraphQL client can be used with this address too.</p><form id="form"><p><label for="document">Document</label><br><textarea id="document" rows="12" cols="80" spellcheck="false">${escaped(EXAMPLE)}</textarea></p><p><label for="variables">Variables (JSON)</label><br><textarea id="variables" rows="4" cols="80" spellcheck="false">{}</textarea></p><p><label for="token">Access token, for fields of an account</label><br><input id="token" type="password" size="60" autocomplete="off"></p><p><button type="submit">Run</button> <button type="button" id="stop" disabled>Stop</button></p></form><h2 id="answer-title">Answer</h2><pre id="answer" role="log" aria-labelledby="answer-title" tabindex="0"></pre><h2>Schema</h2><pre tabindex="0">${escaped(printSchema(schema))}</pre></main></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const EXPLORER_SCRIPT = `"use strict";
const field = (id) => document.getElementById(id);
const answer = field("answer");
let running;
const show = (text) => { answer.textContent += text + "\\n"; };
field("stop").addEventListener("click", () => running?.abort());
field("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  answer.textContent = "";
  field("stop").disabled = false;
  try {
    const token = field("token").value.trim();
    const response = await fetch("/graphql", {
      method: "POST",
      signal,
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream, application/graphql-response+json",
        ...(token === "" ? {} : { authorization: "Bearer " + token }),
      },
      body: JSON.stringify({ query: field("document").value, variables: JSON.parse(field("variables").value || "{}") }),
    });
    const decoder = new TextDecoder();
    let rest = "";
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      rest += decoder.decode(value, { stream: true });
      const events = rest.split("\\n\\n");
      rest = events.pop();
      for (const each of events) {
        const data = /^data: (.+)$/m.exec(each)?.[1];
        if (data !== undefined) show(JSON.stringify(JSON.parse(data), null, 2));
      }
    }
    if (rest.trim() !== "") show(JSON.stringify(JSON.parse(rest), null, 2));
  } catch (error) {
    if (!signal.aborted) show(String(error));
  } finally {
    if (running?.signal === signal) field("stop").disabled = true;
  }
});
`;
