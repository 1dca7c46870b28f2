import type { EventEmitter } from "node:events";

/** Of a pipe that nobody reads any more, as by head, and of a terminal that was closed. */
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "EIO"]);

/**
 * Ends the program when an output has no reader any more, which is no failure. A command that has to put things in order
 * listens to SIGPIPE: it is told instead, and ends by itself.
 */
export function endWithReader(output: EventEmitter, program: Pick<NodeJS.Process, "emit" | "exit">): void {
  output.on("error", (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code)) throw error;
    if (!program.emit("SIGPIPE", "SIGPIPE")) program.exit();
  });
}
