import { BaseRpcContext } from "@nestjs/microservices";

/** What a handler of `@EventPattern` gets by `@Ctx()` beside the decoded event. */
export class EventContext extends BaseRpcContext<[ReceivedEventFacts]> {
  constructor(facts: ReceivedEventFacts) {
    super([facts]);
  }

  get topic(): string {
    return this.args[0].topic;
  }
  /** Stable over redelivery; the key of the inbox. */
  get id(): string {
    return this.args[0].id;
  }
  get key(): string {
    return this.args[0].key;
  }
  get partition(): number {
    return this.args[0].partition;
  }
  get offset(): bigint {
    return this.args[0].offset;
  }
  /** 1 for the first delivery by this process. */
  get attempt(): number {
    return this.args[0].attempt;
  }
  get traceparent(): string | undefined {
    return this.args[0].traceparent;
  }
  get occurredAtMs(): number {
    return this.args[0].occurredAtMs;
  }
  /** Aborts when the partition is lost or the process shuts down. */
  get signal(): AbortSignal {
    return this.args[0].signal;
  }
}

export interface ReceivedEventFacts {
  readonly topic: string;
  readonly id: string;
  readonly key: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly attempt: number;
  readonly traceparent: string | undefined;
  readonly occurredAtMs: number;
  readonly signal: AbortSignal;
}
