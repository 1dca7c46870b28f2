import { CodedError } from "@aios/kernel/coded-error";

/** A node that the trie leads to is missing or is not a node. */
export const corruptTrie = (what: string): CodedError =>
  new CodedError({ code: "corrupt-trie", kind: "internal", message: `The state trie is damaged: ${what}.` });
