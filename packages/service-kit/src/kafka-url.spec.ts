import { describe, expect, it } from "vitest";
import { parseKafkaUrl } from "./kafka-url.js";

describe("parseKafkaUrl", () => {
  it("reads brokers, TLS and SASL", () => {
    expect(parseKafkaUrl("kafka://one:9092,two:9093")).toEqual({
      brokers: ["one:9092", "two:9093"],
      ssl: false,
    });
    expect(parseKafkaUrl("kafkas://user:p%40ss@[::1]:9092/?sasl=scram-sha-512")).toEqual({
      brokers: ["[::1]:9092"],
      ssl: true,
      sasl: { mechanism: "scram-sha-512", username: "user", password: "p@ss" },
    });
  });

  it.each([
    "kafka://",
    "kafka://host",
    "kafka://host:port",
    "http://host:9092",
    "kafka://user@host:9092",
    "kafka://user:password@host:9092?sasl=gssapi",
  ])("refuses %s", (url) => {
    expect(() => parseKafkaUrl(url)).toThrow(expect.objectContaining({ code: "invalid-kafka-url" }));
  });
});
