import { readGenesis } from "@aios/consensus/genesis-file";
import { startNode } from "@aios/consensus/start-node";

const [genesisFile, dataDir, minIntervalMs = "5"] = process.argv.slice(2) as [string, string, string?];
const node = await startNode({
  genesis: await readGenesis(genesisFile),
  dataDir,
  port: 0,
  settings: { minIntervalMs: Number(minIntervalMs) },
});
process.stdout.write(`${node.url}\n`);
