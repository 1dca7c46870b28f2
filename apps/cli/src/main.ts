#!/usr/bin/env node
import { runCli } from "./cli.js";
import { endWithReader } from "./reader-gone.js";
import { terminalText } from "./terminal-text.js";

/** What is piped goes on as it is: it may be read again. */
function writerTo(stream: NodeJS.WriteStream): (text: string) => void {
  return (text) => void stream.write(stream.isTTY ? terminalText(text) : text);
}

for (const output of [process.stdout, process.stderr]) endWithReader(output, process);

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  write: writerTo(process.stdout),
  writeError: writerTo(process.stderr),
});
