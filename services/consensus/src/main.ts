import { readFileSync } from "node:fs";
import { parseGenesis } from "./domain/genesis.js";
import { startNode } from "./start-node.js";

const genesisFile = process.env["AIOS_GENESIS_FILE"] ?? new URL("../../genesis/development.json", import.meta.url);
const [host = "127.0.0.1", port = "8545"] = (process.env["AIOS_JSON_RPC_LISTEN"] ?? "127.0.0.1:8545").split(":");
const node = await startNode({
  genesis: parseGenesis(JSON.parse(readFileSync(genesisFile, "utf8"))),
  dataDir: process.env["AIOS_DATA_DIR"] ?? ".aios/consensus",
  host,
  port: Number(port),
  producerObserver: { produced: () => undefined, failed: (error) => console.error(error) },
  rpcObserver: { called: () => undefined, internalError: (method, error) => console.error(method, error) },
});
console.log(`JSON-RPC on ${node.url}`);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void node.stop().then(() => process.exit(0)));
