import { paramsBlock } from "@ethereumjs/block";
import { type Common, createCustomCommon, Mainnet } from "@ethereumjs/common";
import { paramsEVM } from "@ethereumjs/evm";
import { paramsTx } from "@ethereumjs/tx";
import { paramsVM } from "@ethereumjs/vm";
import { recover } from "tiny-secp256k1";
import type { Genesis } from "../../domain/genesis.js";

/** Public key (64 bytes) of a signature: libsecp256k1 in WebAssembly, 5 times faster than the library's default. */
function ecrecover(
  messageHash: Uint8Array,
  v: bigint,
  r: Uint8Array,
  s: Uint8Array,
  chainId?: bigint,
): Uint8Array {
  const recovery = v === 0n || v === 1n ? v : chainId === undefined ? v - 27n : v - (chainId * 2n + 35n);
  if (recovery !== 0n && recovery !== 1n) throw new Error("Invalid signature v value");
  const signature = new Uint8Array(64);
  signature.set(r, 32 - r.length);
  signature.set(s, 64 - s.length);
  const key = recover(messageHash, signature, recovery === 1n ? 1 : 0, false);
  if (key === null) throw new Error("The signature gives no key");
  return key.slice(1);
}

/** The fork rules of the chain, in the form that the EthereumJS packages take. */
export function chainCommon(genesis: Pick<Genesis, "chainId" | "hardfork">): Common {
  const common = createCustomCommon({ chainId: genesis.chainId, name: "aios" }, Mainnet, {
    hardfork: genesis.hardfork,
    customCrypto: { ecrecover },
  });
  // The packages copy the rules and merge their parameters for every transaction and header, which costs more than
  // decoding it. The rules of a chain never change here: all parameters are merged once and the object is shared.
  for (const parameters of [paramsTx, paramsBlock, paramsEVM, paramsVM]) common.updateParams(parameters);
  common.copy = () => common;
  common.updateParams = () => undefined;
  return common;
}
