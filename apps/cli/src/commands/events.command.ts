import type { DeadLetter, EventBus, ReplayPosition } from "@aios/service-kit/event-bus";
import { type Command, type CommandInput, UsageError } from "../command.js";

const USAGE = "aios events list | retry <id>… | replay <group> <topic>";
const MOST_LETTERS = 1_000;

/** Looks at the events that a service gave up on, gives them back, and moves a service to earlier events. */
export const eventsCommand: Command = {
  name: "events",
  usage: USAGE,
  summary: "events that could not be handled, and reading events again",
  description: `Talks to the event bus itself, not to the gateway: EVENT_BUS_URL names it, as for the services.

  list [--group <service>] [--topic <topic>]   events that a service gave up on, with the cause
  retry <id>… | retry --all                    give them to that service again, after what waits
  replay <service> <topic> --from <position>   let a service read a topic again, while it works

  --group <service>   only this service's (with list, and with retry --all)
  --topic <topic>     only this topic's (with list, and with retry --all)
  --from <position>   earliest, an ISO 8601 time, or <partition>:<offset>

A service remembers which events it has handled, so what it handled already changes nothing when it comes again.`,
  async run(input) {
    const [action, ...rest] = input.positionals;
    const act = ACTIONS[action ?? ""];
    if (act === undefined) throw new UsageError(`Usage: ${USAGE}.`);
    try {
      return await withBus(input, (bus) => act(bus, rest, input));
    } catch (error) {
      const { startFailure } = await import("@aios/service-kit/start-failure");
      throw startFailure("EVENT_BUS_URL", error);
    }
  },
};

type Action = (bus: EventBus, rest: readonly string[], input: CommandInput) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, retry, replay };

async function withBus<T>(input: CommandInput, work: (bus: EventBus) => Promise<T>): Promise<T> {
  const bus = await openBus(input);
  try {
    return await work(bus);
  } finally {
    await bus.close();
  }
}

async function openBus({ output }: CommandInput): Promise<EventBus> {
  const url = output.env.EVENT_BUS_URL;
  const [{ openEventBus }, { createLogger }, { eventBusUrl }] = await Promise.all([
    import("@aios/service-kit/open-event-bus"),
    import("@aios/service-kit/logger"),
    import("@aios/service-kit/config"),
  ]);
  if (url === undefined || !eventBusUrl.safeParse(url).success) {
    throw new UsageError(
      "Set EVENT_BUS_URL to the event bus of the services: kafka://host:port, or postgres://user:password@host:port/database.",
    );
  }
  const logger = createLogger({ service: "aios", level: "silent" });
  return openEventBus({ url, applicationName: "aios-cli", logger });
}

async function list(bus: EventBus, rest: readonly string[], input: CommandInput): Promise<number> {
  if (rest.length > 0) throw new UsageError(`Usage: ${USAGE}.`);
  const letters = await letterSelection(bus, input);
  if (input.json) {
    input.output.write(`${JSON.stringify({ deadLetters: letters.map(asJson) })}\n`);
  } else if (letters.length === 0) {
    input.output.write("No event waits among the dead letters.\n");
  } else {
    for (const letter of letters) input.output.write(asText(letter));
    input.output.write(`Once the cause is mended: aios events retry <id>…, or --all.\n`);
  }
  return 0;
}

async function retry(bus: EventBus, rest: readonly string[], input: CommandInput): Promise<number> {
  if (input.all === rest.length > 0) throw new UsageError("Name the dead letters to retry, or say --all.");
  const ids = input.all ? (await letterSelection(bus, input)).map(({ id }) => id) : rest.map(letterId);
  const count = await bus.replayDeadLetters(ids);
  if (input.json) input.output.write(`${JSON.stringify({ retried: count, asked: ids.length })}\n`);
  else input.output.write(`${count} of ${ids.length} events went back to their services.\n`);
  return count === ids.length ? 0 : 1;
}

async function replay(bus: EventBus, rest: readonly string[], input: CommandInput): Promise<number> {
  const [group, topic, ...extra] = rest;
  if (group === undefined || topic === undefined || extra.length > 0) {
    throw new UsageError("Usage: aios events replay <service> <topic> --from <position>.");
  }
  await bus.replay(group, topic, positionOf(input.from));
  if (input.json) input.output.write(`${JSON.stringify({ group, topic, from: input.from })}\n`);
  else input.output.write(`${group} reads ${topic} again from ${input.from}.\n`);
  return 0;
}

function letterSelection(bus: EventBus, { group, topic }: CommandInput): Promise<readonly DeadLetter[]> {
  return bus.listDeadLetters({
    ...(group === undefined ? {} : { group }),
    ...(topic === undefined ? {} : { topic }),
    limit: MOST_LETTERS,
  });
}

function letterId(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new UsageError(`'${text}' is not the id of a dead letter.`);
  return BigInt(text);
}

function positionOf(text: string | undefined): ReplayPosition {
  if (text === "earliest") return { kind: "earliest" };
  const place = /^(\d{1,6}):(\d{1,18})$/.exec(text ?? "");
  if (place !== null) {
    return { kind: "offset", partition: Number(place[1]), offset: BigInt(place[2] ?? 0) };
  }
  const fromMs = /^\d{4}-\d{2}-\d{2}/.test(text ?? "") ? Date.parse(text ?? "") : Number.NaN;
  if (Number.isNaN(fromMs)) {
    throw new UsageError("--from takes earliest, a time like 2030-01-31T12:00:00Z, or <partition>:<offset>.");
  }
  return { kind: "time", fromMs };
}

function asJson(letter: DeadLetter): Record<string, unknown> {
  return { ...letter, id: String(letter.id), offset: String(letter.offset) };
}

function asText(letter: DeadLetter): string {
  const when = new Date(letter.failedAtMs).toISOString();
  return (
    `${letter.id}  ${letter.group}  ${letter.topic}  key ${letter.key}\n` +
    `    ${letter.errorCode} after ${letter.attempts} tries, ${when}: ${letter.errorMessage}\n`
  );
}
