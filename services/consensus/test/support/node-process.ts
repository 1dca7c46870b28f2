import { readGenesis } from "@aios/consensus/genesis-file";
import { startNode } from "@aios/consensus/start-node";

const [genesisFile, dataDir] = process.argv.slice(2) as [string, string];
const node = await startNode({
  genesis: await readGenesis(genesisFile),
  dataDir,
  port: 0,
  settings: { minIntervalMs: 5 },
});
process.stdout.write(`${node.url}\n`);
