import type { FilterRegistry } from "../../../application/filter-registry.js";
import type { QueryLogs } from "../../../application/query-logs.js";
import { formatLog } from "../format.js";
import type { RpcMethods } from "../method.js";
import { logQuery } from "../parameters.js";
import { invalidParams } from "../rpc-error.js";

function filterId(value: unknown): string {
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,16}$/.test(value))
    throw invalidParams("filter id must be a quantity");
  return value;
}

/** Logs by query, and filters that are polled. */
export function logMethods(logs: QueryLogs, filters: FilterRegistry): RpcMethods {
  return {
    eth_getLogs: ([filter]) => logs.find(logQuery(filter)).map(formatLog),
    eth_newFilter: ([filter]) => filters.create("logs", logQuery(filter)),
    eth_newBlockFilter: () => filters.create("blocks"),
    eth_newPendingTransactionFilter: () => filters.create("transactions"),
    eth_uninstallFilter: ([id]) => filters.remove(filterId(id)),
    eth_getFilterLogs: ([id]) => filters.all(filterId(id)).map(formatLog),
    eth_getFilterChanges: ([id]) => {
      const news = filters.changes(filterId(id));
      return "logs" in news ? news.logs.map(formatLog) : [...news.hashes];
    },
  };
}
