import { KafkaEventBus } from "@aios/service-kit/kafka-event-bus";
import { describe } from "vitest";
import { eventBusConformance } from "../../src/event-bus-conformance.js";
import { kafkaIsAvailable, startKafka } from "../../src/kafka.js";
import { silentLogger } from "../../src/silent-logger.js";

describe.skipIf(!kafkaIsAvailable())(
  "on a real Kafka (skipped where Java or Kafka's jars are missing)",
  () => {
    eventBusConformance("KafkaEventBus", async () => {
      const kafka = await startKafka();
      return {
        open: () => KafkaEventBus.open({ url: kafka.url, applicationName: "test", logger: silentLogger }),
        crash: () => kafka.crash(),
        close: () => kafka.stop(),
      };
    });
  },
);
