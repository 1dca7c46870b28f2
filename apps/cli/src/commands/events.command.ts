import type { DeadLetter, EventBus, ReplayPosition } from "@aios/service-kit/event-bus";
import { type Command, type CommandInput, UsageError } from "../command.js";

const MOST_LETTERS = 1_000;

const GROUP = { value: "<service>", summary: "only this service's" };
const TOPIC = { value: "<topic>", summary: "only this topic's" };

/** Looks at the events that a service gave up on, gives them back, and moves a service to earlier events. */
export const eventsCommand: Command = {
  name: "events",
  summary: "events that could not be handled, and reading events again",
  description: `Talks to the event bus itself, not to the gateway: EVENT_BUS_URL names it, as for the services. A service remembers which
events it has handled, so what it handled already changes nothing when it comes again.`,
  actions: [
    {
      name: "list",
      positionals: [],
      options: { group: GROUP, topic: TOPIC },
      summary: "events that a service gave up on, with the cause",
      example: "events list --group economy",
      run: (input) => atBus(input, list),
    },
    {
      name: "retry",
      positionals: ["[id…]"],
      options: {
        all: { summary: "every one that waits, instead of those named" },
        group: { ...GROUP, summary: `with --all: ${GROUP.summary}` },
        topic: { ...TOPIC, summary: `with --all: ${TOPIC.summary}` },
      },
      summary: "gives them to that service again, after what waits",
      example: "events retry 12 13",
      run: (input) => atBus(input, retry),
    },
    {
      name: "replay",
      positionals: ["<service>", "<topic>"],
      options: {
        from: {
          value: "<position>",
          summary: "earliest, an ISO 8601 time, or <partition>:<offset>",
          required: true,
        },
      },
      summary: "lets a service read a topic again, while it works",
      example: "events replay economy chain.v1.block --from earliest",
      run: (input) => atBus(input, replay),
    },
  ],
};

async function atBus(
  input: CommandInput,
  act: (bus: EventBus, input: CommandInput) => Promise<number>,
): Promise<number> {
  try {
    return await withBus(input, (bus) => act(bus, input));
  } catch (error) {
    const { startFailure } = await import("@aios/service-kit/start-failure");
    throw startFailure("EVENT_BUS_URL", error);
  }
}

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

async function list(bus: EventBus, input: CommandInput): Promise<number> {
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

async function retry(bus: EventBus, input: CommandInput): Promise<number> {
  const { positionals: rest, switches, options } = input;
  const all = switches.has("all");
  if (all === rest.length > 0) throw new UsageError("Name the dead letters to retry, or say --all.");
  if (!all && (options.group !== undefined || options.topic !== undefined))
    throw new UsageError("--group and --topic go with --all.");
  const ids = all ? (await letterSelection(bus, input)).map(({ id }) => id) : rest.map(letterId);
  const count = await bus.replayDeadLetters(ids);
  if (input.json) input.output.write(`${JSON.stringify({ retried: count, asked: ids.length })}\n`);
  else input.output.write(`${count} of ${ids.length} events went back to their services.\n`);
  return count === ids.length ? 0 : 1;
}

async function replay(bus: EventBus, input: CommandInput): Promise<number> {
  const [group = "", topic = ""] = input.positionals;
  const { from } = input.options;
  await bus.replay(group, topic, positionOf(from));
  if (input.json) input.output.write(`${JSON.stringify({ group, topic, from })}\n`);
  else input.output.write(`${group} reads ${topic} again from ${from}.\n`);
  return 0;
}

function letterSelection(
  bus: EventBus,
  { options: { group, topic } }: CommandInput,
): Promise<readonly DeadLetter[]> {
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
