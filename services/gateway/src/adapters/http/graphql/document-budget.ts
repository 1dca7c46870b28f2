import { type Amounts, inCalls } from "./document-cost.js";
import { queryTooExpensive } from "./graph-errors.js";

/** What one document may cost while it is executed: what it was counted with, and what its lists hold beyond that. */
export class DocumentBudget {
  #calls = 0;
  #fields = 0;
  #charged = 0;

  /**
   * `counted`: cost that was charged before the execution; `limit`: of both together; `charge` takes tokens from the
   * caller's bucket and throws where there are not enough.
   */
  constructor(
    private readonly counted: number,
    readonly limit: number,
    private readonly charge: (tokens: number) => Promise<void>,
  ) {}

  get cost(): number {
    return this.counted + this.#charged;
  }

  /** Charges what comes on top, once. Throws `query-too-expensive` over the limit, and what `charge` throws. */
  async spend({ calls, fields }: Amounts): Promise<void> {
    this.#calls += calls;
    this.#fields += fields;
    const beyond = inCalls({ calls: this.#calls, fields: this.#fields });
    if (this.counted + beyond > this.limit) throw queryTooExpensive(this.limit);
    const due = beyond - this.#charged;
    if (due <= 0) return;
    this.#charged = beyond;
    await this.charge(due);
  }

  /** Begins anew, for the next result of a subscription. */
  renew(): void {
    this.#calls = 0;
    this.#fields = 0;
    this.#charged = 0;
  }
}
