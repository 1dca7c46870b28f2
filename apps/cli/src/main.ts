#!/usr/bin/env node
import { runCli } from "./cli.js";
import { terminalText } from "./terminal-text.js";

/** What is piped goes on as it is: it may be read again. */
function writerTo(stream: NodeJS.WriteStream): (text: string) => void {
  return (text) => void stream.write(stream.isTTY ? terminalText(text) : text);
}

// A reader that has seen enough, such as head, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  write: writerTo(process.stdout),
  writeError: writerTo(process.stderr),
});
