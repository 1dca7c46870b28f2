const FIRST_PORT = 20_000;
const RANGES = 200;
/** Above what one platform takes, and what it moves up by where some of it is taken. */
const RANGE_PORTS = 50;

/**
 * First of the ports for the platforms that this process starts. Another test process has another range: a platform
 * whose services are killed on purpose has ports that are free for moments, and nobody else's platform may take them.
 */
export function portRange(pid = process.pid): number {
  return FIRST_PORT + RANGE_PORTS * (pid % RANGES);
}
