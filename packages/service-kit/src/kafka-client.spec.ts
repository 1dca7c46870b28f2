import { describe, expect, it } from "vitest";
import { kafkaError } from "./kafka-client.js";

describe("kafkaError", () => {
  const failure = (name: string, type?: string): Error => Object.assign(new Error("no"), { name, type });

  it("tells what may be repeated from what an operator must mend", () => {
    expect(kafkaError(failure("KafkaJSConnectionError"))).toMatchObject({
      code: "event-bus-unavailable",
      kind: "unavailable",
    });
    const refused = new Error("gave up", {
      cause: failure("KafkaJSProtocolError", "TOPIC_AUTHORIZATION_FAILED"),
    });
    expect(kafkaError(refused)).toMatchObject({
      code: "event-bus-refused",
      kind: "forbidden",
      details: { kafkaError: "TOPIC_AUTHORIZATION_FAILED" },
    });
    const other = new RangeError("no");
    expect(kafkaError(other)).toBe(other);
  });
});
