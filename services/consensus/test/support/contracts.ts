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

const PERMIT_TOKEN = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

contract PermitToken {
  mapping(address => uint256) public balanceOf;
  mapping(address => mapping(address => uint256)) public allowance;
  mapping(address => uint256) public nonces;
  bytes32 public immutable DOMAIN_SEPARATOR = keccak256(abi.encode(
    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
    keccak256("Permit Token"), keccak256("1"), block.chainid, address(this)
  ));
  event Approval(address indexed owner, address indexed spender, uint256 value);
  function permit(
    address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s
  ) external {
    require(block.timestamp <= deadline, "expired");
    bytes32 message = keccak256(abi.encode(
      keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
      owner, spender, value, nonces[owner]++, deadline
    ));
    bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR, message));
    require(owner != address(0) && ecrecover(digest, v, r, s) == owner, "not signed by the owner");
    allowance[owner][spender] = value;
    emit Approval(owner, spender, value);
  }
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

/** Two contracts that clients are tried with: a counter, and a token that is approved by signature (ERC-2612). */
const SOURCES = {
  "Counter.sol": SOURCE,
  "PermitToken.sol": PERMIT_TOKEN,
} as const;

/** Compiled in the test process by the same compiler as the product's contracts. */
function compile(file: keyof typeof SOURCES, name: string): Compiled {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { [file]: { content: SOURCES[file] } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  const contract = output.contracts?.[file]?.[name];
  if (contract === undefined) throw new Error(`the test contract ${name} did not compile`);
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}

export function compileCounter(): Compiled {
  return compile("Counter.sol", "Counter");
}

export function compilePermitToken(): Compiled {
  return compile("PermitToken.sol", "PermitToken");
}

/** Their sources, for tools that compile themselves. */
export function testContractSources(): typeof SOURCES {
  return SOURCES;
}
