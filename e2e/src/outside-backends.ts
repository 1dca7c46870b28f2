import { SERVICES } from "@aios/service-kit/local-instance";
import { kafkaIsAvailable, startKafka, type TestKafka } from "@aios/testkit/kafka";
import {
  type OutsidePostgres,
  outsidePostgresIsInstalled,
  startOutsidePostgres,
} from "@aios/testkit/outside-postgres";
import { redisIsInstalled, startRedis, type TestRedis } from "@aios/testkit/redis";

/** Kafka, Redis and PostgreSQL as an operator brings them, in place of what is embedded. */
export class OutsideBackends {
  readonly kafka: TestKafka;
  readonly redis: TestRedis;
  readonly postgres: OutsidePostgres;

  private constructor(kafka: TestKafka, redis: TestRedis, postgres: OutsidePostgres) {
    this.kafka = kafka;
    this.redis = redis;
    this.postgres = postgres;
  }

  static areAvailable(): boolean {
    return kafkaIsAvailable() && redisIsInstalled() && outsidePostgresIsInstalled();
  }

  static async start(): Promise<OutsideBackends> {
    const [redis, postgres] = [await startRedis(), await startOutsidePostgres()];
    return new OutsideBackends(await startKafka(), redis, postgres);
  }

  /** What each process is told, by its name. */
  environment(): Record<string, Record<string, string>> {
    const stateful = SERVICES.filter((name) => name !== "consensus");
    const own = (name: string): Record<string, string> => ({
      DATABASE_URL: this.postgres.url(`aios_${name.replace("-", "_")}`),
      EVENT_BUS_URL: this.kafka.url,
      ...(name === "gateway" ? { REDIS_URL: this.redis.url } : {}),
    });
    return Object.fromEntries(stateful.map((name) => [name, own(name)]));
  }

  async stop(): Promise<void> {
    await this.kafka.stop();
    await this.redis.stop();
    await this.postgres.stop();
  }
}
