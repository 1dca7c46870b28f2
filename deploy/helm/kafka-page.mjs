// What an operator's own Kafka must have and allow, from the topics and the matrix of events.
const DAY_MS = 86_400_000;
/** As `packages/service-kit/src/kafka-dead-letters.ts` names them. */
const DEAD_LETTERS = "event-bus.dead-letters";

/** The operators' page. */
export function kafkaPage(topics, rows, services) {
  const made = topics.map(
    ({ name, partitions, retentionMs }) =>
      `| \`${name}\` | ${partitions} | \`cleanup.policy=delete\`, \`retention.ms=${retentionMs}\` (${retentionMs / DAY_MS} days) |`,
  );
  return [
    "# Kafka of your own",
    "",
    "Written by `deploy/helm/generate.mjs` from the topics in `packages/proto/src/topics.ts` and the events of",
    "`docs/ARCHITECTURE.md`. The services are tested with Kafka 4.3. They make the topics that are missing; where",
    "all are there, they ask for no right to make any.",
    "",
    "## Topics",
    "",
    "The number of partitions is fixed once events exist: which one an event is in follows from its key. Give them three",
    "replicas and `min.insync.replicas=2` where the cluster has three brokers; the services write with `acks=all`.",
    "",
    "| topic | partitions | settings |",
    "| --- | --- | --- |",
    ...made,
    `| \`${DEAD_LETTERS}\` | 1 | \`cleanup.policy=compact\` |`,
    "",
    "## Rights",
    "",
    "One role for all services, the one in the URL, needs what the table gives together; DESCRIBE comes with each of READ and",
    "WRITE. All services produce idempotently, for which WRITE is enough since Kafka 3.0 (before, IDEMPOTENT_WRITE on the cluster).",
    "",
    "| service | WRITE on topics | READ on topics | READ on groups |",
    "| --- | --- | --- | --- |",
    ...services.flatMap((service) => rightsOf(service, rows)),
    "",
    `Who lets \`aios events\` list, replay or retry needs READ and WRITE on \`${DEAD_LETTERS}\`, READ on every group that begins`,
    `with \`${DEAD_LETTERS}.\`, and on the group that is replayed. KEDA, where it scales by lag, needs DESCRIBE on the group and`,
    "its topics.",
    "",
  ].join("\n");
}

function rightsOf(service, rows) {
  const written = rows.filter(({ publisher }) => publisher === service).map(({ topic }) => topic);
  const read = rows.filter(({ heard }) => heard.includes(service)).map(({ topic }) => topic);
  if (written.length + read.length === 0) return [];
  // Whoever hears events may give one up.
  const writes = read.length > 0 ? [...written, DEAD_LETTERS] : written;
  const reads = read.length > 0 ? [...read, DEAD_LETTERS] : read;
  const groups = read.length > 0 ? [service, `${DEAD_LETTERS}.*`] : [];
  return [`| ${service} | ${listed(writes)} | ${listed(reads)} | ${listed(groups)} |`];
}

function listed(names) {
  return names.length === 0 ? "–" : names.map((name) => `\`${name}\``).join("<br>");
}
