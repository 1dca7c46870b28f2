import { CodedError } from "@aios/kernel/coded-error";
import type { KafkaConfig, SASLOptions } from "kafkajs";

/**
 * Reads `kafka://user:password@host:port,host:port?sasl=scram-sha-512`; `kafkas://` is TLS. Without a user there is
 * no SASL; its mechanism is `plain` (default), `scram-sha-256` or `scram-sha-512`. Throws `invalid-kafka-url`.
 */
export function parseKafkaUrl(url: string): Pick<KafkaConfig, "brokers" | "ssl" | "sasl"> {
  const match = /^(kafkas?):\/\/(?:([^:@/]+):([^@/]+)@)?([^/?@]+)\/?(?:\?sasl=([a-z0-9-]+))?$/.exec(url);
  const brokers = match?.[4]?.split(",") ?? [];
  if (match === null || !brokers.every((broker) => /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/.test(broker))) {
    throw invalidUrl("expected kafka://user:password@host:port,host:port");
  }
  const [, scheme, user, password, , mechanism = "plain"] = match;
  if (!["plain", "scram-sha-256", "scram-sha-512"].includes(mechanism)) {
    throw invalidUrl(`sasl=${mechanism} is none of plain, scram-sha-256, scram-sha-512`);
  }
  return {
    brokers,
    ssl: scheme === "kafkas",
    ...(user === undefined || password === undefined
      ? {}
      : {
          sasl: {
            mechanism,
            username: decodeURIComponent(user),
            password: decodeURIComponent(password),
          } as SASLOptions,
        }),
  };
}

function invalidUrl(message: string): CodedError {
  return new CodedError({ code: "invalid-kafka-url", kind: "invalid", message });
}
