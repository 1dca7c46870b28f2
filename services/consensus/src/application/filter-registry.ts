import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { StoredLog } from "../domain/ports.js";
import type { ChainNews } from "./chain-events.js";
import type { ChainView } from "./chain-view.js";
import type { LogQuery, QueryLogs } from "./query-logs.js";

interface Filter {
  readonly kind: "blocks" | "transactions" | "logs";
  readonly query: LogQuery | undefined;
  /** Blocks up to this height have been handed out. */
  seenHeight: number;
  readonly hashes: Bytes32[];
  usedAtMs: number;
  /** Ends what keeps it up to date. */
  readonly close: () => void;
}

export interface FilterLimits {
  readonly maxFilters: number;
  readonly idleMs: number;
  readonly maxQueuedHashes: number;
  readonly maxBlocksPerPoll: number;
}

function filterNotFound(): CodedError {
  return new CodedError({ code: "filter-not-found", kind: "not-found", message: "filter not found" });
}

/** Filters that callers poll (`eth_newFilter` and relatives). Forgotten when not asked for a while. */
export class FilterRegistry {
  readonly #filters = new Map<string, Filter>();
  #nextId = 1;

  constructor(
    private readonly chain: ChainView,
    private readonly logs: QueryLogs,
    private readonly news: ChainNews,
    private readonly clock: Pick<Clock, "now">,
    private readonly limits: FilterLimits,
  ) {}

  create(kind: Filter["kind"], query?: LogQuery): string {
    this.#forgetIdle();
    if (this.#filters.size >= this.limits.maxFilters) {
      throw new CodedError({
        code: "too-many-filters",
        kind: "rate-limited",
        message: `more than ${this.limits.maxFilters} filters are open`,
      });
    }
    const id = `0x${(this.#nextId++).toString(16)}`;
    const hashes: Bytes32[] = [];
    this.#filters.set(id, {
      kind,
      query,
      seenHeight: this.chain.head().number,
      hashes,
      usedAtMs: this.clock.now(),
      close: kind === "transactions" ? this.#collect(hashes) : () => undefined,
    });
    return id;
  }

  remove(id: string): boolean {
    this.#filters.get(id)?.close();
    return this.#filters.delete(id);
  }

  /** News since the last call. Throws `filter-not-found`. */
  changes(id: string): { readonly hashes: readonly Bytes32[] } | { readonly logs: readonly StoredLog[] } {
    const filter = this.#use(id);
    if (filter.kind === "transactions") return { hashes: filter.hashes.splice(0) };
    const from = filter.seenHeight + 1;
    const to = Math.min(this.chain.head().number, from + this.limits.maxBlocksPerPoll - 1);
    filter.seenHeight = Math.max(filter.seenHeight, to);
    if (filter.kind === "logs" && filter.query !== undefined) {
      return { logs: from > to ? [] : this.logs.between(from, to, filter.query) };
    }
    const hashes: Bytes32[] = [];
    for (let height = from; height <= to; height++) {
      const header = this.chain.header({ kind: "height", height });
      if (header !== undefined) hashes.push(header.hash);
    }
    return { hashes };
  }

  /** All logs of a log filter. Throws `filter-not-found`. */
  all(id: string): readonly StoredLog[] {
    const filter = this.#use(id);
    if (filter.query === undefined) throw filterNotFound();
    return this.logs.find(filter.query);
  }

  #use(id: string): Filter {
    this.#forgetIdle();
    const filter = this.#filters.get(id);
    if (filter === undefined) throw filterNotFound();
    filter.usedAtMs = this.clock.now();
    return filter;
  }

  #forgetIdle(): void {
    const now = this.clock.now();
    for (const [id, filter] of this.#filters) {
      if (now - filter.usedAtMs > this.limits.idleMs) this.remove(id);
    }
  }

  #collect(hashes: Bytes32[]): () => void {
    return this.news.on("admitted", ({ hash }) => {
      if (hashes.length < this.limits.maxQueuedHashes) hashes.push(hash);
    });
  }
}
