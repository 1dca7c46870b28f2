import { crc32 } from "node:zlib";
import { fromHex } from "@aios/core-rlp/hex";
import type { ChainView } from "../../application/chain-view.js";
import { hexNumber, type RpcValue } from "./format.js";

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

/**
 * EIP-7910. The chain has one fork, from its genesis on, so nothing follows; blobs are refused at admission, which the
 * schedule says with zeros.
 */
export function forkConfiguration(chain: ChainView): RpcValue {
  const { genesis } = chain;
  const genesisHeader = chain.header({ kind: "height", height: 0 });
  const forkHash = crc32(fromHex(genesisHeader?.hash ?? "0x"));
  return {
    current: {
      activationTime: genesis.timestamp,
      blobSchedule: { baseFeeUpdateFraction: 5_007_716, max: 0, target: 0 },
      chainId: hexNumber(genesis.chainId),
      forkId: `0x${forkHash.toString(16).padStart(8, "0")}`,
      precompiles:
        genesis.hardfork === "osaka"
          ? { ...PRAGUE_PRECOMPILES, P256VERIFY: address(0x100) }
          : PRAGUE_PRECOMPILES,
      systemContracts: { HISTORY_STORAGE_ADDRESS: "0x0000f90827f1c53a10cb7a02335b175320002935" },
    },
    next: null,
    last: null,
  };
}
