import type { BlobParameters } from "./hardfork.js";

const MIN_BLOB_BASE_FEE = 1n;

/** EIP-4844 `get_base_fee_per_blob_gas`: wei per blob gas from the excess of the parent chain. */
export function blobBaseFee(excessBlobGas: bigint, { baseFeeUpdateFraction }: BlobParameters): bigint {
  let i = 1n;
  let output = 0n;
  let term = MIN_BLOB_BASE_FEE * baseFeeUpdateFraction;
  while (term > 0n) {
    output += term;
    term = (term * excessBlobGas) / (baseFeeUpdateFraction * i);
    i++;
  }
  return output / baseFeeUpdateFraction;
}
