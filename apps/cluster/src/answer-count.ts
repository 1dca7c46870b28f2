import type { FetchFunction } from "@aios/sdk/http-transport";

export interface AnswerReport {
  /** Requests that got what they asked for, or a refusal that is the caller's own matter. */
  readonly answered: number;
  /** 503 with a time to come back: the client waits and asks again. */
  readonly askedToComeBack: number;
  /** 429 with such a time. */
  readonly askedToSlowDown: number;
  /** Every other answer of 500 and above, 429 and 503 without a time to come back, and requests that got no answer. */
  readonly failed: number;
  /** Each different failure once, at most ten. */
  readonly failures: readonly string[];
}

const MOST_FAILURES_NAMED = 10;
const NAMED_CHARACTERS = 200;

/** Counts how a gateway answers the requests of a client that is given its `fetch`. */
export class AnswerCount {
  #answered = 0;
  #askedToComeBack = 0;
  #askedToSlowDown = 0;
  #failed = 0;
  readonly #failures = new Set<string>();
  readonly #fetch: FetchFunction;

  constructor(fetchOne: FetchFunction = (input, init) => fetch(input, init)) {
    this.#fetch = fetchOne;
  }

  readonly fetch: FetchFunction = async (input, init) => {
    const request = `${init?.method ?? "GET"} ${new URL(input).pathname}`;
    try {
      const response = await whole(await this.#fetch(input, init));
      await this.#count(request, response);
      return response;
    } catch (error) {
      const { message, cause } = error as Error;
      this.#fail(`${request}: ${cause instanceof Error ? `${message}: ${cause.message}` : message}`);
      throw error;
    }
  };

  report(): AnswerReport {
    return {
      answered: this.#answered,
      askedToComeBack: this.#askedToComeBack,
      askedToSlowDown: this.#askedToSlowDown,
      failed: this.#failed,
      failures: [...this.#failures],
    };
  }

  async #count(request: string, response: Response): Promise<void> {
    const { status, headers } = response;
    if (status !== 429 && status < 500) this.#answered += 1;
    else if (status === 503 && headers.has("retry-after")) this.#askedToComeBack += 1;
    else if (status === 429 && headers.has("retry-after")) this.#askedToSlowDown += 1;
    else this.#fail(`${request}: ${status} ${(await response.clone().text()).slice(0, NAMED_CHARACTERS)}`);
  }

  #fail(failure: string): void {
    this.#failed += 1;
    if (this.#failures.size < MOST_FAILURES_NAMED) this.#failures.add(failure);
  }
}

/** With its body, so that one that breaks off is no answer. A stream has no end to wait for. */
async function whole(response: Response): Promise<Response> {
  const { status, headers } = response;
  if (response.body === null || headers.get("content-type")?.startsWith("text/event-stream") === true)
    return response;
  return new Response(await response.arrayBuffer(), { status, headers });
}
