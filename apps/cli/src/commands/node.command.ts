import type { OperatorClient } from "@aios/consensus/operator-client";
import { CodedError } from "@aios/kernel/coded-error";
import { aios } from "@aios/kernel/units";
import type { Peer } from "@aios/peer-network/peer-network";
import { type Command, type CommandInput, UsageError } from "../command.js";

const USAGE = "aios node <init|join|rotate-key|leave|status|export-snapshot|import-snapshot> …";
const DEFAULT_PORTS = { peer: 26_656, rpc: 8_545 };

interface Status {
  readonly height: string;
  readonly tick: string;
  readonly seat: string | null;
  readonly nodeKey: string;
  readonly peers: readonly string[];
  readonly orderDelays: { readonly count: number; readonly p50Ms: number; readonly p95Ms: number };
  readonly droppedPackets: Readonly<Record<string, number>>;
}

/** A node of an honor chain: its keys, its chain, how it stands. */
export const nodeCommand: Command = {
  name: "node",
  usage: USAGE,
  summary: "a node of an honor chain: make its keys, join a chain, see how it stands",
  description: `aios node init <directory>            makes a home with new keys: one that peers know the node by, one for a seat. Prints what
                                      a genesis file and its peers need of them. Existing keys are never overwritten.
aios node init <directory> follower   likewise, without a seat
aios node join <directory> <genesis file> <key@host:port> …
                                      points the home to a chain and to its peers, and checks both
  --deposit <AIOS>                    and stands for a seat: deposits so much from the operator's account, registers the node's
  --rpc <address>                     keys through the JSON-RPC of any node, and follows until the node is elected
  --endpoint <host:port>              where peers reach the node
aios node rotate-key <directory> --rpc <address>
                                      makes another voting key, registers it, and follows until the node votes with it
aios node leave <directory> --rpc <address>
                                      gives the candidacy up; the deposit can be taken out after the unbonding delay
aios node export-snapshot <directory> <file>
                                      copies the latest snapshot that the node made to one file
aios node import-snapshot <directory> <file>
                                      begins the chain of a home with a snapshot, or brings it forward, once certificates and
                                      state are checked; what the seat voted stays
aios node status <JSON-RPC address>   height, seat, peers, time from a block to its certificate, packets dropped

A home's node.json says where the node listens. Start it with: node services/consensus/dist/src/run-node.js <directory>`,
  run(input) {
    const [what, ...rest] = input.positionals;
    if (what === "init") return init(input, rest);
    if (what === "join") return join(input, rest);
    if (what === "rotate-key") return rotateKey(input, rest);
    if (what === "leave") return leave(input, rest);
    if (what === "status") return status(input, rest);
    if (what === "export-snapshot") return exportSnapshot(input, rest);
    if (what === "import-snapshot") return importSnapshot(input, rest);
    throw new UsageError(`Usage: ${USAGE}.`);
  },
};

async function init({ json, output }: CommandInput, rest: readonly string[]): Promise<number> {
  const [directory, role] = rest;
  if (directory === undefined || rest.length > 2 || (role !== undefined && role !== "follower"))
    throw new UsageError("Usage: aios node init <directory> [follower].");
  const { initHome } = await import("@aios/consensus/make-home");
  const keys = await initHome(directory, role === undefined, {
    peerListen: { host: "0.0.0.0", port: DEFAULT_PORTS.peer },
    rpcListen: { host: "127.0.0.1", port: DEFAULT_PORTS.rpc },
    peers: [],
  });
  const seat =
    keys.seat === undefined
      ? ""
      : `for the genesis file\n  publicKey          ${keys.seat.publicKey}\n  proofOfPossession  ${keys.seat.proofOfPossession}\nfor deposits\n  operator's account ${keys.operator}\n`;
  output.write(
    json ? `${JSON.stringify(keys)}\n` : `for its peers\n  node key           ${keys.nodeKey}\n${seat}`,
  );
  return 0;
}

async function join(input: CommandInput, rest: readonly string[]): Promise<number> {
  const { json, output } = input;
  const [directory, genesisFile, ...addresses] = rest;
  if (directory === undefined || genesisFile === undefined || addresses.length === 0)
    throw new UsageError("Usage: aios node join <directory> <genesis file> <key@host:port> ….");
  const { deposit, endpoint = "" } = input.options;
  const depositWei = deposit === undefined ? undefined : weiOf(deposit);
  const { joinChain } = await import("@aios/consensus/make-home");
  const chain = await joinChain(directory, genesisFile, addresses.map(peerOf));
  const peers = addresses.length;
  output.write(
    json
      ? `${JSON.stringify({ ...chain, peers })}\n`
      : `chain ${chain.chainId}, ${chain.seats} seats, ${peers} peers\n`,
  );
  if (depositWei === undefined) return 0;
  const operator = await operatorOf(input, directory);
  const { seatOf } = await import("@aios/consensus/make-home");
  const { key, node } = await seatOf(directory);
  const transaction = await operator.register(key, node, endpoint, depositWei);
  say(
    input,
    { transaction },
    `registered by transaction ${transaction}; start the node, and it votes once it is elected`,
  );
  const set = await operator.untilElected();
  say(input, { set }, `elected into set ${set}`);
  return 0;
}

async function rotateKey(input: CommandInput, rest: readonly string[]): Promise<number> {
  const directory = onlyDirectory(rest, "rotate-key");
  const operator = await operatorOf(input, directory);
  const { addSeatKey } = await import("@aios/consensus/make-home");
  const key = await addSeatKey(directory);
  const transaction = await operator.rotateKey(key);
  say(
    input,
    { transaction },
    `registered by transaction ${transaction}; keep the old key until the new one votes`,
  );
  const set = await operator.untilElected(key.publicKey);
  say(input, { set }, `votes with the new key from set ${set} on`);
  return 0;
}

async function leave(input: CommandInput, rest: readonly string[]): Promise<number> {
  const operator = await operatorOf(input, onlyDirectory(rest, "leave"));
  const transaction = await operator.unbond();
  say(input, { transaction }, `leaves by transaction ${transaction}`);
  return 0;
}

async function operatorOf({ options }: CommandInput, directory: string): Promise<OperatorClient> {
  const { rpc } = options;
  if (rpc === undefined || !URL.canParse(rpc))
    throw new UsageError("Name a node's JSON-RPC: --rpc http://127.0.0.1:8545.");
  const { openOperator } = await import("@aios/consensus/make-home");
  return openOperator(directory, rpc);
}

function onlyDirectory(rest: readonly string[], what: string): string {
  const [directory] = rest;
  if (directory === undefined || rest.length > 1)
    throw new UsageError(`Usage: aios node ${what} <directory> --rpc <JSON-RPC address>.`);
  return directory;
}

function weiOf(text: string): bigint {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError("--deposit is a whole number of AIOS.");
  return aios(BigInt(text));
}

function say({ json, output }: CommandInput, fields: Record<string, unknown>, sentence: string): void {
  output.write(json ? `${JSON.stringify(fields)}\n` : `${sentence}\n`);
}

async function exportSnapshot({ json, output }: CommandInput, rest: readonly string[]): Promise<number> {
  const [directory, file] = rest;
  if (directory === undefined || file === undefined || rest.length > 2)
    throw new UsageError("Usage: aios node export-snapshot <directory> <file>.");
  const { exportSnapshotFile } = await import("@aios/consensus/begin-with-snapshot");
  const { height, sizeBytes } = await exportSnapshotFile(directory, file);
  output.write(
    json
      ? `${JSON.stringify({ height, sizeBytes })}\n`
      : `the state after block ${height}, ${sizeBytes} bytes\n`,
  );
  return 0;
}

async function importSnapshot({ json, output }: CommandInput, rest: readonly string[]): Promise<number> {
  const [directory, file] = rest;
  if (directory === undefined || file === undefined || rest.length > 2)
    throw new UsageError("Usage: aios node import-snapshot <directory> <file>.");
  const { importSnapshotFile } = await import("@aios/consensus/begin-with-snapshot");
  const height = await importSnapshotFile(directory, file);
  output.write(json ? `${JSON.stringify({ height })}\n` : `the node begins after block ${height}\n`);
  return 0;
}

function peerOf(address: string): Peer {
  const match = /^([0-9a-f]{64})@([^:]+):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new UsageError(`'${address}' is no peer: it takes key@host:port with a key of 64 hex digits.`);
  return { publicKey: match[1] as string, host: match[2] as string, port };
}

async function status({ json, output }: CommandInput, rest: readonly string[]): Promise<number> {
  const [address] = rest;
  if (address === undefined || rest.length > 1 || !URL.canParse(address))
    throw new UsageError("Usage: aios node status <JSON-RPC address>, for example http://127.0.0.1:8545.");
  const found = await honorStatus(address);
  if (json) {
    output.write(`${JSON.stringify(found)}\n`);
    return 0;
  }
  const { orderDelays, droppedPackets } = found;
  const dropped = Object.entries(droppedPackets).map(([reason, count]) => `  ${count} × ${reason}`);
  output.write(
    `height ${Number(found.height)}, tick ${Number(found.tick)}, ${found.seat === null ? "follows" : `seat ${Number(found.seat)}`}
node key ${found.nodeKey}, ${found.peers.length} peers connected
block to certificate ${orderDelays.p50Ms} ms (p50), ${orderDelays.p95Ms} ms (p95), ${orderDelays.count} transactions
packets dropped\n${dropped.join("\n") || "  none"}\n`,
  );
  return found.peers.length === 0 ? 1 : 0;
}

async function honorStatus(address: string): Promise<Status> {
  const { askNode } = await import("@aios/consensus/ask-node");
  const status = await askNode<Status | undefined>(address, "aios_honorStatus", []);
  if (status !== undefined) return status;
  throw new CodedError({
    code: "node-refused",
    kind: "unprocessable",
    message: "The node gave no answer.",
  });
}
