import { expect, it } from "vitest";
import { terminalText } from "./terminal-text.js";

it("leaves text, lines and tabs as they are", () => {
  const text = "price\t0.5 AIOS, größer, 数字, 🙂\n";
  expect(terminalText(text)).toBe(text);
});

it.each([
  ["an escape sequence", "\u001b[2Jdone", "\uFFFD[2Jdone"],
  ["its one-character form", "\u009b2Jdone", "\uFFFD2Jdone"],
  ["a return to the line's beginning", "error\rok", "error\uFFFDok"],
  ["a deletion", "no\b\u007f", "no\uFFFD\uFFFD"],
  ["a text turned around", "pay \u202e01", "pay \uFFFD01"],
])("lets no %s through", (_, text, shown) => {
  expect(terminalText(text)).toBe(shown);
});
