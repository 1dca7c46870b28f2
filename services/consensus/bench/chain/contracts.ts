import { createRequire } from "node:module";

const SOURCE = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

contract Token {
  mapping(address => uint256) public balanceOf;
  mapping(address => mapping(address => uint256)) public allowance;
  event Transfer(address indexed from, address indexed to, uint256 value);
  function transfer(address to, uint256 value) external returns (bool) {
    move(msg.sender, to, value);
    return true;
  }
  function transferFrom(address from, address to, uint256 value) external returns (bool) {
    uint256 allowed = allowance[from][msg.sender];
    if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
    move(from, to, value);
    return true;
  }
  function move(address from, address to, uint256 value) private {
    balanceOf[from] -= value;
    balanceOf[to] += value;
    emit Transfer(from, to, value);
  }
}

/* What a swap through a router does in a Uniswap v2 pair: constant product, 0.3% fee, accumulated prices, a lock. */
contract Pair {
  Token token0;
  Token token1;
  uint112 reserve0;
  uint112 reserve1;
  uint32 lastTimestamp;
  uint256 price0CumulativeLast;
  uint256 price1CumulativeLast;
  uint256 unlocked;
  event Sync(uint112 reserve0, uint112 reserve1);
  event Swap(address indexed sender, uint256 in0, uint256 in1, uint256 out0, uint256 out1, address indexed to);
  function swap(bool forward, uint256 amountIn) external {
    require(unlocked == 1, "locked");
    unlocked = 0;
    (uint256 r0, uint256 r1) = (reserve0, reserve1);
    (Token tokenIn, Token tokenOut) = forward ? (token0, token1) : (token1, token0);
    (uint256 reserveIn, uint256 reserveOut) = forward ? (r0, r1) : (r1, r0);
    uint256 withFee = amountIn * 997;
    uint256 amountOut = withFee * reserveOut / (reserveIn * 1000 + withFee);
    tokenIn.transferFrom(msg.sender, address(this), amountIn);
    tokenOut.transfer(msg.sender, amountOut);
    uint256 balance0 = token0.balanceOf(address(this));
    uint256 balance1 = token1.balanceOf(address(this));
    uint256 in0 = forward ? amountIn : 0;
    uint256 in1 = forward ? 0 : amountIn;
    require((balance0 * 1000 - in0 * 3) * (balance1 * 1000 - in1 * 3) >= r0 * r1 * 1000 ** 2, "K");
    unchecked {
      uint32 elapsed = uint32(block.timestamp) - lastTimestamp;
      if (elapsed > 0) {
        price0CumulativeLast += ((r1 << 112) / r0) * elapsed;
        price1CumulativeLast += ((r0 << 112) / r1) * elapsed;
      }
    }
    (reserve0, reserve1, lastTimestamp) = (uint112(balance0), uint112(balance1), uint32(block.timestamp));
    emit Sync(reserve0, reserve1);
    emit Swap(msg.sender, in0, in1, forward ? 0 : amountOut, forward ? amountOut : 0, msg.sender);
    unlocked = 1;
  }
}

contract Collectible {
  uint256 minted;
  mapping(uint256 => address) public ownerOf;
  mapping(address => uint256) public balanceOf;
  event Transfer(address indexed from, address indexed to, uint256 indexed id);
  function mint() external {
    uint256 id = ++minted;
    ownerOf[id] = msg.sender;
    balanceOf[msg.sender]++;
    emit Transfer(address(0), msg.sender, id);
  }
}
`;

const NAMES = ["Token", "Pair", "Collectible"] as const;
export type ContractName = (typeof NAMES)[number];

/** The code that each contract has once it is deployed. */
export function contractCodes(): Readonly<Record<ContractName, string>> {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { "Bench.sol": { content: SOURCE } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      viaIR: true,
      outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
    readonly contracts?: Record<
      string,
      Record<string, { readonly evm: { readonly deployedBytecode: { readonly object: string } } }>
    >;
  };
  const code = (name: ContractName): string => {
    const object = output.contracts?.["Bench.sol"]?.[name]?.evm.deployedBytecode.object;
    if (object === undefined)
      throw new Error(
        `${name} did not compile: ${output.errors?.[0]?.formattedMessage ?? "no reason given"}`,
      );
    return `0x${object}`;
  };
  return { Token: code("Token"), Pair: code("Pair"), Collectible: code("Collectible") };
}
