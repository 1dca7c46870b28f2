import type { ElectionState, OperatorClient } from "@aios/consensus/operator-client";
import { CodedError } from "@aios/kernel/coded-error";
import { aios } from "@aios/kernel/units";
import type { Peer } from "@aios/peer-network/peer-network";
import { duration } from "@aios/service-kit/config";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { optionOf } from "../option-value.js";

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

/** Three learning cycles of the usual chain time: a seat falls to the next hand-over after the deposit is attested. */
const WITHIN = "3h";

const RPC = {
  value: "<address>",
  summary: "the JSON-RPC of any node of the chain, such as http://127.0.0.1:8545",
};
const NEEDED_RPC = { ...RPC, required: true } as const;
const ELECTED_WITHIN = {
  value: "<time>",
  summary: `how long to follow, past times without a node too, until it is elected (${WITHIN})`,
};

/** A node of an honor chain: its keys, its chain, how it stands. */
export const nodeCommand: Command = {
  name: "node",
  summary: "a node of an honor chain: make its keys, join a chain, see how it stands",
  description: `A home's node.json says where the node listens. Start it with: node services/consensus/dist/src/run-node.js <directory>
Following an election can be broken off: what was registered stays.`,
  actions: [
    {
      name: "init",
      positionals: ["<directory>", "[follower]"],
      options: {},
      summary:
        "makes a home with new keys, one that peers know the node by, one for a seat unless it follows; existing keys are never overwritten",
      example: "node init home",
      run: init,
    },
    {
      name: "join",
      positionals: ["<directory>", "<genesis file>", "<key@host:port…>"],
      options: {
        deposit: {
          value: "<AIOS>",
          summary:
            "stands for a seat: deposits so much from the operator's account, and follows until it is elected",
        },
        rpc: { ...RPC, summary: `with --deposit: ${RPC.summary}` },
        endpoint: { value: "<host:port>", summary: "with --deposit: where peers reach the node" },
        within: { ...ELECTED_WITHIN, summary: `with --deposit: ${ELECTED_WITHIN.summary}` },
      },
      summary: "points the home to a chain and to its peers, and checks both",
      example: `node join home genesis.json ${"ab".repeat(32)}@node.example.org:26656 --deposit 50 --rpc http://127.0.0.1:8545`,
      run: join,
    },
    {
      name: "rotate-key",
      positionals: ["<directory>"],
      options: { rpc: NEEDED_RPC, within: ELECTED_WITHIN },
      summary: "makes another voting key, registers it, and follows until the node votes with it",
      example: "node rotate-key home --rpc http://127.0.0.1:8545",
      run: rotateKey,
    },
    {
      name: "leave",
      positionals: ["<directory>"],
      options: { rpc: NEEDED_RPC },
      summary: "gives the candidacy up; the deposit can be taken out after the unbonding delay",
      example: "node leave home --rpc http://127.0.0.1:8545",
      run: leave,
    },
    {
      name: "withdraw-rewards",
      positionals: ["<directory>"],
      options: { rpc: NEEDED_RPC },
      summary: "takes what the deposit has earned of the base fees to the operator's account",
      example: "node withdraw-rewards home --rpc http://127.0.0.1:8545",
      run: withdrawRewards,
    },
    {
      name: "status",
      positionals: ["<JSON-RPC address>"],
      options: {},
      summary: "height, seat, peers, time from a block to its certificate, packets dropped",
      example: "node status http://127.0.0.1:8545",
      run: status,
    },
    {
      name: "export-snapshot",
      positionals: ["<directory>", "<file>"],
      options: {},
      summary: "copies the latest snapshot that the node made to one file",
      example: "node export-snapshot home snapshot.bin",
      run: exportSnapshot,
    },
    {
      name: "import-snapshot",
      positionals: ["<directory>", "<file>"],
      options: {},
      summary:
        "begins the chain of a home with a snapshot, or brings it forward, once certificates and state are checked; what the seat voted stays",
      example: "node import-snapshot home snapshot.bin",
      run: importSnapshot,
    },
  ],
};

async function init({ json, output, positionals }: CommandInput): Promise<number> {
  const [directory = "", role] = positionals;
  if (role !== undefined && role !== "follower")
    throw new UsageError(`'${role}' is no kind of node: it is a follower, or nothing is said.`);
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

async function join(input: CommandInput): Promise<number> {
  const { json, output } = input;
  const [directory = "", genesisFile = "", ...addresses] = input.positionals;
  const { deposit, endpoint = "", rpc, within } = input.options;
  if (deposit === undefined && (endpoint !== "" || rpc !== undefined || within !== undefined))
    throw new UsageError("--rpc, --endpoint and --within go with --deposit.");
  const withinMs = withinOf(input);
  const depositWei = deposit === undefined ? undefined : weiOf(deposit);
  const operator = depositWei === undefined ? undefined : await operatorOf(input, directory);
  const { joinChain } = await import("@aios/consensus/make-home");
  const chain = await joinChain(directory, genesisFile, addresses.map(peerOf));
  const peers = addresses.length;
  output.write(
    json
      ? `${JSON.stringify({ ...chain, peers })}\n`
      : `chain ${chain.chainId}, ${chain.seats} seats, ${peers} peers\n`,
  );
  if (depositWei === undefined || operator === undefined) return 0;
  const { seatOf } = await import("@aios/consensus/make-home");
  const { key, node } = await seatOf(directory);
  const transaction = await operator.register(key, node, endpoint, depositWei);
  say(
    input,
    { transaction },
    `registered by transaction ${transaction}; start the node, and it votes once it is elected`,
  );
  const set = await operator.untilElected({ withinMs, onChange: (state) => tellElection(input, state) });
  say(input, { set }, `elected into set ${set}`);
  return 0;
}

async function rotateKey(input: CommandInput): Promise<number> {
  const [directory = ""] = input.positionals;
  const withinMs = withinOf(input);
  const operator = await operatorOf(input, directory);
  const { addSeatKey } = await import("@aios/consensus/make-home");
  const key = await addSeatKey(directory);
  const transaction = await operator.rotateKey(key);
  say(
    input,
    { transaction },
    `registered by transaction ${transaction}; keep the old key until the new one votes`,
  );
  const set = await operator.untilElected({
    publicKey: key.publicKey,
    withinMs,
    onChange: (state) => tellElection(input, state),
  });
  say(input, { set }, `votes with the new key from set ${set} on`);
  return 0;
}

async function leave(input: CommandInput): Promise<number> {
  const [directory = ""] = input.positionals;
  const operator = await operatorOf(input, directory);
  const transaction = await operator.unbond();
  say(input, { transaction }, `leaves by transaction ${transaction}`);
  return 0;
}

async function withdrawRewards(input: CommandInput): Promise<number> {
  const [directory = ""] = input.positionals;
  const operator = await operatorOf(input, directory);
  const transaction = await operator.withdrawRewards();
  say(input, { transaction }, `paid to ${operator.address} by transaction ${transaction}`);
  return 0;
}

async function operatorOf({ options }: CommandInput, directory: string): Promise<OperatorClient> {
  const { rpc } = options;
  if (rpc === undefined || !URL.canParse(rpc))
    throw new UsageError("Name a node's JSON-RPC: --rpc http://127.0.0.1:8545.");
  const { openOperator } = await import("@aios/consensus/make-home");
  return openOperator(directory, rpc);
}

function withinOf({ options }: CommandInput): number {
  return optionOf("within", duration, options.within ?? WITHIN);
}

/** Beside the result, which scripts read. */
function tellElection({ output }: CommandInput, state: ElectionState): void {
  const text =
    state.kind === "not-in-set" ? `not in set ${state.set} yet` : `${state.message} It is asked again.`;
  output.writeError(`${text}\n`);
}

function weiOf(text: string): bigint {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError("--deposit is a whole number of AIOS.");
  return aios(BigInt(text));
}

function say({ json, output }: CommandInput, fields: Record<string, unknown>, sentence: string): void {
  output.write(json ? `${JSON.stringify(fields)}\n` : `${sentence}\n`);
}

async function exportSnapshot({ json, output, positionals }: CommandInput): Promise<number> {
  const [directory = "", file = ""] = positionals;
  const { exportSnapshotFile } = await import("@aios/consensus/begin-with-snapshot");
  const { height, sizeBytes } = await exportSnapshotFile(directory, file);
  output.write(
    json
      ? `${JSON.stringify({ height, sizeBytes })}\n`
      : `the state after block ${height}, ${sizeBytes} bytes\n`,
  );
  return 0;
}

async function importSnapshot({ json, output, positionals }: CommandInput): Promise<number> {
  const [directory = "", file = ""] = positionals;
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

async function status({ json, output, positionals }: CommandInput): Promise<number> {
  const [address = ""] = positionals;
  if (!/^https?:/.test(address) || !URL.canParse(address))
    throw new UsageError(`'${address}' is no JSON-RPC address, such as http://127.0.0.1:8545.`);
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
