import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { ExecutionContext, FramePool } from "@aios/core-evm/context";
import { executeTransaction } from "@aios/core-evm/execute-transaction";
import { rulesOf } from "@aios/core-evm/rules";
import { WorldState } from "@aios/core-evm/world-state";
import { concat, getBytes, hexlify, Interface, type InterfaceAbi, toBeHex } from "ethers";

const require = createRequire(import.meta.url);
const home = join(dirname(fileURLToPath(import.meta.url)), "..", "..").replace(/\/dist$/, "");
const SETTINGS = {
  evmVersion: "cancun",
  // Small before fast: switches are code too, and a contract has at most 24 KiB.
  optimizer: { enabled: true, runs: 1 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

/** Gives each check that a source has a switch: its text with `off` in it, which is true where the check is off. */
export type Switches = (source: string, off: (check: string) => string) => string;

export interface Compiled {
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

/**
 * Compiles copies of contracts whose checks can be switched off, one bit of PREVRANDAO each, in one run of the compiler.
 * `sources`: paths below `solidity/` with what is done to them, and further files in full. Answers every contract by
 * its name, and the checks in the order of their bits.
 */
export function compileSwitchable(
  sources: Readonly<Record<string, Switches>>,
  further: Readonly<Record<string, string>> = {},
): { readonly contracts: ReadonlyMap<string, Compiled>; readonly checks: readonly string[] } {
  const checks: string[] = [];
  const off = (check: string): string => {
    if (checks.includes(check)) throw new Error(`two checks are called ${check}`);
    checks.push(check);
    return `((block.prevrandao >> ${checks.length - 1}) & 1 == 1)`;
  };
  const read = (path: string): string => readFileSync(join(home, "solidity", path), "utf8");
  const switched = Object.entries(sources).map(
    ([path, switches]) => [path, { content: withoutPure(switches(read(path), off)) }] as const,
  );
  const added = Object.entries(further).map(([path, content]) => [path, { content }] as const);
  const input = {
    language: "Solidity",
    sources: Object.fromEntries([...switched, ...added]),
    settings: SETTINGS,
  };
  const solc = require("solc") as { compile(input: string, callbacks: object): string };
  const findImport = (path: string) => ({
    contents: path.startsWith("@openzeppelin/")
      ? readFileSync(
          join(
            dirname(require.resolve("@openzeppelin/contracts/package.json")),
            posix.relative("@openzeppelin/contracts", path),
          ),
          "utf8",
        )
      : read(path),
  });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport })) as {
    errors?: readonly { severity: string; formattedMessage: string }[];
    contracts: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
  };
  const wrong = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (wrong.length > 0) throw new Error(wrong.map(({ formattedMessage }) => formattedMessage).join("\n"));
  const contracts = new Map<string, Compiled>();
  for (const byName of Object.values(output.contracts))
    for (const [name, { abi, evm }] of Object.entries(byName))
      contracts.set(name, { abi, bytecode: `0x${evm.bytecode.object}` });
  return { contracts, checks };
}

/** What reads a switch is a view. Operators, which stand behind the libraries, have none and must stay pure. */
function withoutPure(source: string): string {
  const operators = source.indexOf("\nfunction ");
  const end = operators < 0 ? source.length : operators;
  return source.slice(0, end).replace(/\bpure\b/g, "view") + source.slice(end);
}

const GAS_LIMIT = 16_000_000n;
const CALLER = new Uint8Array(20).fill(0xca);

/** Where the contract is called: which checks are off there, and on which chain. */
export interface World {
  readonly off: bigint;
  readonly chainId?: bigint;
}

/** Contracts in our own EVM, whose block says which checks are off. */
export class SwitchableEvm {
  readonly #state = new WorldState({
    account: () => undefined,
    code: () => new Uint8Array(),
    storage: () => new Uint8Array(),
  });
  readonly #frames = new FramePool();
  #nonce = 0n;

  deploy({ abi, bytecode }: Compiled, args: readonly unknown[] = []): DeployedContract {
    const coder = new Interface(abi);
    const { status, createdAddress } = this.#run(
      { off: 0n },
      undefined,
      concat([bytecode, coder.encodeDeploy(args)]),
    );
    if (status !== "succeeded" || createdAddress === undefined) throw new Error(`not deployed: ${status}`);
    return new DeployedContract(coder, hexlify(createdAddress), (world, to, data) =>
      this.#run(world, getBytes(to), data),
    );
  }

  #run({ off, chainId = 1n }: World, to: Uint8Array | undefined, data: string) {
    const block = {
      number: 1,
      timestamp: 0,
      gasLimit: GAS_LIMIT,
      baseFeePerGas: 0n,
      blobBaseFee: 1n,
      coinbase: new Uint8Array(20),
      prevRandao: getBytes(toBeHex(off, 32)),
      blockHash: () => undefined,
    };
    const rules = rulesOf({ hardfork: "osaka", chainId });
    const context = new ExecutionContext(this.#state, rules, block, this.#frames);
    const transaction = {
      type: 2 as const,
      from: CALLER,
      to,
      nonce: this.#nonce++,
      gasLimit: GAS_LIMIT,
      value: 0n,
      data: getBytes(data),
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      accessList: [],
    };
    return executeTransaction(context, transaction, { unchecked: true });
  }
}

type Run = (
  world: World,
  to: string,
  data: string,
) => { readonly status: string; readonly output: Uint8Array };

export class DeployedContract {
  constructor(
    private readonly coder: Interface,
    readonly address: string,
    private readonly run: Run,
  ) {}

  /** What the call answers; undefined where it reverts. */
  call(world: World, name: string, args: readonly unknown[]): readonly unknown[] | undefined {
    const { status, output } = this.run(world, this.address, this.coder.encodeFunctionData(name, args));
    return status === "succeeded" ? [...this.coder.decodeFunctionResult(name, output)] : undefined;
  }
}
