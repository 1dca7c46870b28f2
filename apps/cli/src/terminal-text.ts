/** Controls, and what turns the direction of the text around it. */
const COMMANDS = /[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * Text for a terminal: lines and tabs stay, no other control character reaches it. Names, messages and logs are of strangers,
 * who could otherwise rewrite what stands on the screen.
 */
export function terminalText(text: string): string {
  return text.replace(COMMANDS, (command) => (command === "\n" || command === "\t" ? command : "\uFFFD"));
}
