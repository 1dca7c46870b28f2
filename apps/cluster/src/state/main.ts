import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isCodedError } from "@aios/kernel/coded-error";
import { systemClock } from "@aios/service-kit/system-clock";
import type { DatabaseUrls } from "./databases.js";
import { discardVolume, packVolume, settleVolume, stageVolume } from "./volume.js";

const USAGE = `Usage: state <command> <directory> [--replace]

What \`aios backup kubernetes\` and \`aios restore kubernetes\` run in pods, beside the state that they copy. Archives
come and go as streams; nothing of them is written anywhere else.

  hold              keeps the pod until it is deleted
  pack-volume       all files of the volume at the directory
  stage-volume      unpacks an archive beside them
  settle-volume     puts what was staged in their place
  discard-volume    removes what was staged
  pack-databases    the databases whose URLs are files in the directory, by name
  load-databases    puts them in their places, all or none
  pack-events       events of the Kafka whose URL is the file \`events\` there, that no service has handled
  load-events       skips what is in it, and appends them
`;

const input = process.stdin as AsyncIterable<Buffer>;
const now = (): string => new Date(systemClock.now()).toISOString();
const toOutput = (archive: AsyncIterable<Buffer>): Promise<void> =>
  pipeline(archive, process.stdout, { end: false });

/** Loaded where they are needed: their clients take longer to load than a small volume to copy. */
const databases = () => import("./databases.js");
const events = () => import("./events.js");

const COMMANDS: Readonly<Record<string, (directory: string, replace: boolean) => Promise<void>>> = {
  hold: async () => {
    process.stdout.write("ready\n");
    // A pod without a listener or a timer would end at once.
    const alive = setInterval(() => undefined, 60_000);
    await once(process, "SIGTERM");
    clearInterval(alive);
  },
  "pack-volume": (directory) => toOutput(packVolume(directory, now())),
  "stage-volume": (directory, replace) => stageVolume(directory, input, { replace }),
  "settle-volume": settleVolume,
  "discard-volume": discardVolume,
  "pack-databases": async (directory) => {
    const { packDatabases } = await databases();
    await toOutput(packDatabases(await urlsIn(directory), systemClock));
  },
  "load-databases": async (directory, replace) => {
    const { loadDatabases } = await databases();
    const rows = await loadDatabases(await urlsIn(directory), input, { replace, clock: systemClock });
    process.stdout.write(`${JSON.stringify(rows)}\n`);
  },
  "pack-events": async (directory) => {
    const { packEvents } = await events();
    await toOutput(packEvents(await urlOfEvents(directory), now()));
  },
  "load-events": async (directory) => {
    const { loadEvents } = await events();
    process.stdout.write(
      `${JSON.stringify({ events: await loadEvents(await urlOfEvents(directory), input) })}\n`,
    );
  },
};

process.exitCode = await main(process.argv.slice(2));

async function main([name = "", ...rest]: string[]): Promise<number> {
  const command = COMMANDS[name];
  if (command === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    await command(rest.find((word) => !word.startsWith("--")) ?? ".", rest.includes("--replace"));
    return 0;
  } catch (thrown) {
    const { leaveReason, startFailure } = await import("@aios/service-kit/start-failure");
    const error = startFailure("The database of a service", thrown);
    const said = `${isCodedError(error) ? error.code : "unexpected"}: ${error.message}`;
    process.stderr.write(`${said}\n`);
    leaveReason(said);
    return 1;
  }
}

async function urlOfEvents(directory: string): Promise<string> {
  return (await readFile(join(directory, "events"), "utf8")).trim();
}

/** Two services of one database would be copied twice: the first in the order of names has it. */
async function urlsIn(directory: string): Promise<DatabaseUrls> {
  const urls = new Map<string, string>();
  const names = (await readdir(directory)).filter((name) => !name.startsWith(".")).sort();
  for (const name of names) {
    const url = (await readFile(join(directory, name), "utf8")).trim();
    if (/^postgres(ql)?:/.test(url) && ![...urls.values()].includes(url)) urls.set(name, url);
  }
  return urls;
}
