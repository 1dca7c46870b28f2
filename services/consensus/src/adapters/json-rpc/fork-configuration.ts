import { crc32 } from "node:zlib";
import { fromHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { ChainView } from "../../application/chain-view.js";
import type { ForkConfiguration } from "../../domain/block-session.js";
import { corruptStore } from "../../domain/errors.js";
import { hexNumber, type RpcValue } from "./format.js";

const FORK_POINT_BYTES = 8;

const address = (last: number): string => `0x${last.toString(16).padStart(40, "0")}`;

const PRAGUE_PRECOMPILES: Readonly<Record<string, string>> = {
  BLAKE2F: address(0x09),
  BLS12_G1ADD: address(0x0b),
  BLS12_G1MSM: address(0x0c),
  BLS12_G2ADD: address(0x0d),
  BLS12_G2MSM: address(0x0e),
  BLS12_MAP_FP2_TO_G2: address(0x11),
  BLS12_MAP_FP_TO_G1: address(0x10),
  BLS12_PAIRING_CHECK: address(0x0f),
  BN254_ADD: address(0x06),
  BN254_MUL: address(0x07),
  BN254_PAIRING: address(0x08),
  ECREC: address(0x01),
  ID: address(0x04),
  KZG_POINT_EVALUATION: address(0x0a),
  MODEXP: address(0x05),
  RIPEMD160: address(0x03),
  SHA256: address(0x02),
};

function precompilesOf(fork: ForkConfiguration["fork"]): Readonly<Record<string, string>> {
  if (fork === "osaka") return { ...PRAGUE_PRECOMPILES, P256VERIFY: address(0x100) };
  if (fork === "prague") return PRAGUE_PRECOMPILES;
  return Object.fromEntries(
    Object.entries(PRAGUE_PRECOMPILES).filter(([name]) => !name.startsWith("BLS12_")),
  );
}

/** EIP-2124: over the hash of the genesis block and each fork that was passed, as eight bytes. */
function forkIdOf(genesisHash: Bytes32, passed: readonly number[]): string {
  const points = Buffer.alloc(passed.length * FORK_POINT_BYTES);
  for (const [index, point] of passed.entries())
    points.writeBigUInt64BE(BigInt(point), index * FORK_POINT_BYTES);
  const checksum = crc32(points, crc32(fromHex(genesisHash)));
  return `0x${checksum.toString(16).padStart(8, "0")}`;
}

/** EIP-7910. */
export function forkConfiguration(chain: ChainView): RpcValue {
  const genesis = chain.header({ kind: "height", height: 0 });
  if (genesis === undefined) throw corruptStore("genesis is missing");
  const formatted = (fork: ForkConfiguration | undefined): RpcValue =>
    fork === undefined
      ? null
      : {
          activationTime: fork.activationTime,
          blobSchedule: { ...fork.blobSchedule },
          chainId: hexNumber(chain.genesis.chainId),
          forkId: forkIdOf(genesis.hash, fork.passed),
          precompiles: precompilesOf(fork.fork),
          systemContracts: fork.systemContracts,
        };
  const { current, next, last } = chain.rules.forks(chain.head());
  return { current: formatted(current), next: formatted(next), last: formatted(last) };
}
