import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testContractSources } from "../support/contracts.js";
import { findFoundry } from "../support/foundry.js";
import { rpc, startTestChain, wallets } from "../support/test-chain.js";

const run = promisify(execFile);
const program = findFoundry("forge");
const [sender, owner] = wallets;

const CHEATS = `
interface Vm {
  struct SignedDelegation { uint8 v; bytes32 r; bytes32 s; uint64 nonce; address implementation; }
  function startBroadcast(uint256 key) external;
  function stopBroadcast() external;
  function addr(uint256 key) external pure returns (address);
  function envUint(string calldata name) external view returns (uint256);
  function envAddress(string calldata name) external view returns (address);
  function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
  function signAndAttachDelegation(address to, uint256 key) external returns (SignedDelegation memory);
  function expectRevert(bytes calldata reason) external;
}
Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
`;

/** Deploys, calls, brings a permit (EIP-712), and calls through a delegation (EIP-7702). */
const SCRIPT = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
import {Counter} from "../src/Counter.sol";
import {PermitToken} from "../src/PermitToken.sol";
${CHEATS}
contract Try {
  bytes32 constant PERMIT =
    keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
  address constant SPENDER = address(0x57);
  function run() external {
    uint256 ownerKey = vm.envUint("OWNER_KEY");
    address owner = vm.addr(ownerKey);
    vm.startBroadcast(vm.envUint("SENDER_KEY"));
    Counter counter = new Counter();
    counter.add(7, "forge");
    PermitToken token = new PermitToken();
    bytes32 message = keccak256(abi.encode(PERMIT, owner, SPENDER, 99, 0, type(uint64).max));
    bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), message));
    (uint8 v, bytes32 r, bytes32 s) = vm.sign(ownerKey, digest);
    token.permit(owner, SPENDER, 99, type(uint64).max, v, r, s);
    require(token.allowance(owner, SPENDER) == 99, "no allowance");
    vm.signAndAttachDelegation(address(counter), ownerKey);
    Counter(payable(owner)).add(5, "delegated");
    vm.stopBroadcast();
  }
}
`;

/** Reads the node's state as a fork. */
const TEST = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
import {Counter} from "../src/Counter.sol";
${CHEATS}
contract ForkTest {
  function testStateAndRevertReason() external {
    Counter counter = Counter(payable(vm.envAddress("COUNTER")));
    require(counter.count() == 7, "another count");
    vm.expectRevert(bytes("unlucky"));
    counter.add(13, "x");
  }
}
`;

/** What forge takes for a compiler: the one from npm. */
function compilerProgram(): string {
  const path = JSON.stringify(createRequire(import.meta.url).resolve("solc"));
  return `#!${process.execPath}
const solc = require(${path});
if (process.argv.includes("--version")) {
  const version = solc.version().replace(".Emscripten.clang", ".Linux.g++");
  console.log("solc, the solidity compiler commandline interface\\nVersion: " + version);
} else process.stdout.write(solc.compile(require("node:fs").readFileSync(0, "utf8")));
`;
}

interface Broadcast {
  readonly transactions: readonly {
    readonly contractName: string | null;
    readonly contractAddress: string | null;
  }[];
  readonly receipts: readonly {
    readonly status: string;
    readonly transactionHash: string;
    readonly logs: readonly { readonly address: string }[];
  }[];
}

describe.skipIf(program === undefined)("Foundry's forge as a client", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let project: string;
  let broadcast: Broadcast;
  const forge = async (
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const { stdout } = await run(program ?? "forge", [...args], {
      cwd: project,
      timeout: 150_000,
      env: {
        ...process.env,
        SENDER_KEY: sender?.privateKey,
        OWNER_KEY: owner?.privateKey,
        FOUNDRY_DISABLE_NIGHTLY_WARNING: "1",
        ...more,
      },
    });
    return stdout;
  };

  beforeAll(async () => {
    chain = await startTestChain();
    project = await mkdtemp(join(tmpdir(), "aios-forge-"));
    for (const folder of ["src", "script", "test"]) await mkdir(join(project, folder));
    for (const [file, source] of Object.entries(testContractSources()))
      await writeFile(join(project, "src", file), source);
    await writeFile(join(project, "script", "Try.s.sol"), SCRIPT);
    await writeFile(join(project, "test", "Fork.t.sol"), TEST);
    const compiler = join(project, "solc.cjs");
    await writeFile(compiler, compilerProgram());
    await chmod(compiler, 0o755);
    await writeFile(
      join(project, "foundry.toml"),
      `[profile.default]\nsolc = "${compiler}"\noffline = true\noptimizer = true\n`,
    );
    await forge(["script", "script/Try.s.sol:Try", "--rpc-url", chain.node.url, "--broadcast", "--slow"]);
    const path = join(project, "broadcast/Try.s.sol/26070/run-latest.json");
    broadcast = JSON.parse(await readFile(path, "utf8")) as Broadcast;
  }, 200_000);

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    await chain[Symbol.asyncDispose]();
    await rm(project, { recursive: true, force: true });
  });

  const addressOf = (name: string): string =>
    broadcast.transactions.find((each) => each.contractName === name)?.contractAddress ?? "";

  it("deploys, calls, brings a permit and delegates, every transaction mined with its events", async () => {
    expect(broadcast.receipts.map(({ status }) => status)).toEqual(Array(5).fill("0x1"));
    const emitters = broadcast.receipts.flatMap(({ logs }) => logs.map((log) => log.address.toLowerCase()));
    expect(emitters).toEqual(
      [addressOf("Counter"), addressOf("PermitToken"), owner?.address ?? ""].map((each) =>
        each.toLowerCase(),
      ),
    );
    const code = await rpc(chain.node.url, "eth_getCode", [owner?.address, "latest"]);
    expect(code.result).toBe(`0xef0100${addressOf("Counter").slice(2).toLowerCase()}`);
    const hash = broadcast.receipts.at(-1)?.transactionHash;
    const trace = await rpc(chain.node.url, "debug_traceTransaction", [hash, { tracer: "callTracer" }]);
    expect(trace.result).toMatchObject({ type: "CALL", to: owner?.address.toLowerCase() });
  });

  it("tests on a fork of the node, revert reason and trace included", { timeout: 200_000 }, async () => {
    const out = await forge(["test", "--fork-url", chain.node.url, "-vvvv"], {
      COUNTER: addressOf("Counter"),
    });
    expect(out).toMatch(/\[PASS\] testStateAndRevertReason/);
    expect(out).toMatch(/unlucky/);
  });
});
