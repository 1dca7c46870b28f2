import { createRequire } from "node:module";
import type { InterfaceAbi } from "ethers";

const SOURCE = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

contract Counter {
  uint256 public count;
  mapping(address => uint256) public byCaller;
  event Counted(address indexed by, uint256 indexed value, string note);
  error TooMuch(uint256 wanted, uint256 allowed);

  function add(uint256 amount, string calldata note) external returns (uint256) {
    if (amount > 100) revert TooMuch(amount, 100);
    require(amount != 13, "unlucky");
    count += amount;
    byCaller[msg.sender] += amount;
    emit Counted(msg.sender, count, note);
    return count;
  }
  function now_() external view returns (uint256 time, uint256 number, bytes32 previous) {
    return (block.timestamp, block.number, blockhash(block.number - 1));
  }
  function spin() external view returns (uint256 n) { while (gasleft() > 5000) { n++; } }
  function overflow(uint256 a) external pure returns (uint256) { return a - 1; }
  function make() external returns (address) { return address(new Child{value: 0}(count)); }
  receive() external payable {}
}

contract Child {
  uint256 public immutable seed;
  constructor(uint256 s) payable { seed = s; }
}
`;

export interface Compiled {
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

interface SolcOutput {
  readonly contracts?: Record<
    string,
    Record<
      string,
      { readonly abi: InterfaceAbi; readonly evm: { readonly bytecode: { readonly object: string } } }
    >
  >;
}

/** Compiled in the test process by the same compiler as the product's contracts. */
export function compileCounter(): Compiled {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { "Counter.sol": { content: SOURCE } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  const counter = output.contracts?.["Counter.sol"]?.["Counter"];
  if (counter === undefined) throw new Error("the test contract did not compile");
  return { abi: counter.abi, bytecode: `0x${counter.evm.bytecode.object}` };
}
