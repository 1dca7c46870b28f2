import { createAuthority, issueCertificate } from "@aios/certificates/authority";
import type { Cluster, PodSpec } from "./cluster.js";

/** What cannot work at one service, and what its pod has to say of it. */
interface Wrong {
  readonly what: string;
  readonly service: string;
  readonly change: (spec: PodSpec) => void;
  readonly said: RegExp;
}

const EXPIRED = "expired-certificate";
const HOUR_MS = 3_600_000;

/** Settings that ask for what this cluster has not; `helm install` has to name it. */
export async function refusesWhatIsLacking(cluster: Cluster): Promise<string> {
  const cases: readonly (readonly [string, string])[] = [
    ["global.redis.secretName=nowhere", "The Secret nowhere is not in the namespace"],
    ["storage.persistence.storageClassName=nowhere", "The cluster has no storage class nowhere"],
    ["economy.resources.requests.memory=90000000Mi", "No node is large enough for economy"],
  ];
  for (const [setting, sentence] of cases) {
    const said = await cluster.refusal(setting);
    if (!said.includes(sentence))
      throw new Error(`${setting} was answered: ${said === "" ? "nothing" : said}`);
  }
  return cases.map(([, sentence]) => sentence).join("\n");
}

/** Starts a pod with each thing that is wrong and reads what Kubernetes shows as the reason of its end. */
export async function saysWhyInPods(cluster: Cluster): Promise<string> {
  const wrongs = [
    ...WRONG_SETTINGS,
    ...(await wrongDatabases(cluster)),
    ...(await expiredCertificate(cluster)),
  ];
  const outcomes = await Promise.all(
    wrongs.map(async ({ what, service, change, said }, index) => {
      const workload = `deployment/${cluster.release}-${service}`;
      const reason = await cluster.endOfPodWith(workload, change, `cannot-start-${index}`);
      if (!said.test(reason)) throw new Error(`${what} at ${service} ended with: ${reason}`);
      return `${what}: ${reason.trim().split("\n").at(-1)}`;
    }),
  );
  return outcomes.join("\n");
}

function setting(name: string, value: string, others: Readonly<Record<string, string>> = {}) {
  const settings = { ...others, [name]: value };
  return ({ containers }: PodSpec): void => {
    for (const container of containers) {
      const kept = container.env.filter((entry) => settings[entry.name] === undefined);
      container.env = [
        ...kept,
        ...Object.entries(settings).map(([key, text]) => ({ name: key, value: text })),
      ];
    }
  };
}

const WRONG_SETTINGS: readonly Wrong[] = [
  {
    what: "a host that does not exist",
    service: "marketplace",
    change: setting("DATABASE_URL", "postgres://aios:secret@nowhere.invalid:5432/x"),
    said: /DATABASE_URL: nothing answers there/,
  },
  {
    what: "no URL",
    service: "marketplace",
    change: setting("DATABASE_URL", "not a url"),
    said: /DATABASE_URL/,
  },
  {
    what: "a Kafka that does not answer",
    service: "scoring",
    change: setting("EVENT_BUS_URL", "kafka://127.0.0.1:9"),
    said: /EVENT_BUS_URL: nothing answers there/,
  },
  {
    what: "a Redis that does not answer",
    service: "gateway",
    change: setting("REDIS_URL", "redis://127.0.0.1:9/0"),
    said: /REDIS_URL: nothing answers there/,
  },
  {
    what: "a key that is not there",
    service: "economy",
    change: setting("AIOS_SERVICE_KEY_FILE", "/keys/none.jwk"),
    said: /AIOS_SERVICE_KEY_FILE/,
  },
  {
    what: "a time without a unit",
    service: "compute",
    change: setting("AIOS_DRAIN_GRACE", "soon"),
    said: /AIOS_DRAIN_GRACE/,
  },
];

/** The release's own server, with another password, and with a database in which nobody applied the migrations. */
async function wrongDatabases(cluster: Cluster): Promise<readonly Wrong[]> {
  const service = "marketplace";
  const right = await cluster.secret("aios-databases", service);
  const [password, schema] = [new URL(right), new URL(right)];
  password.password = "not-this-one";
  schema.pathname = "/postgres";
  return [
    {
      what: "a wrong password",
      service,
      change: setting("DATABASE_URL", password.toString()),
      said: /DATABASE_URL: the server refused: .*Put the right user and password into it/,
    },
    {
      what: "a schema that is behind",
      service,
      change: setting("DATABASE_URL", schema.toString(), { AIOS_MIGRATIONS: "verify" }),
      said: /The database lacks the migration .* Run the service once with --migrate/,
    },
  ];
}

/** Where the release has certificates. */
async function expiredCertificate(cluster: Cluster): Promise<readonly Wrong[]> {
  const service = "scoring";
  const secret = `${cluster.release}-tls-${service}`;
  const exists = await cluster.kubectl("get", "secret", secret, "--ignore-not-found", "--output=name");
  if (exists === "") return [];
  const now = Date.now();
  const authority = await createAuthority("AiOS", {
    notBeforeMs: now - 2 * HOUR_MS,
    notAfterMs: now + HOUR_MS,
  });
  const dnsNames = [`${cluster.release}-${service}`];
  const lifetime = { notBeforeMs: now - 2 * HOUR_MS, notAfterMs: now - HOUR_MS };
  const { certificatePem, privateKeyPem } = await issueCertificate(
    authority,
    { service, dnsNames },
    lifetime,
  );
  await cluster.kubectl("delete", "secret", EXPIRED, "--ignore-not-found");
  await cluster.create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: EXPIRED },
    stringData: { "tls.crt": certificatePem, "tls.key": privateKeyPem, "ca.crt": authority.certificatePem },
  });
  return [
    {
      what: "an expired certificate",
      service,
      change: ({ volumes }) => {
        for (const { name, secret: mounted } of volumes)
          if (name === "tls" && mounted !== undefined) mounted.secretName = EXPIRED;
      },
      said: /The certificate in \/tls\/tls.crt expired on/,
    },
  ];
}
