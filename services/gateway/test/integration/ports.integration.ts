import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { startTestChain } from "@aios/economy/test/support/test-chain";
import type { ManualClock } from "@aios/kernel/clock";
import type { CryptoKey } from "jose";
import { HttpRpcNode } from "../../src/adapters/chain/http-rpc-node.js";
import { JwtAccessTokens } from "../../src/adapters/tokens/jwt-access-tokens.js";
import { accessTokensConformance } from "../conformance/access-tokens.conformance.js";
import { rpcNodeConformance } from "../conformance/rpc-node.conformance.js";

const CHAIN_ID = 31_337;
const MAX_ANSWER_BYTES = 1_000_000;

function tokensOver(pair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }) {
  const key = (half: KeyObject, use: "sign" | "verify"): CryptoKey =>
    half.toCryptoKey({ name: "Ed25519" }, true, [use]);
  const [signing, verifying] = [key(pair.privateKey, "sign"), key(pair.publicKey, "verify")];
  return async (clock: ManualClock) => new JwtAccessTokens(signing, verifying, clock);
}

accessTokensConformance("JwtAccessTokens", {
  open: tokensOver(generateKeyPairSync("ed25519")),
  openForeign: tokensOver(generateKeyPairSync("ed25519")),
});

rpcNodeConformance("HttpRpcNode", async () => {
  const chain = await startTestChain();
  const over = (maxAnswerBytes: number) =>
    new HttpRpcNode({ url: chain.url, timeoutMs: 5_000, maxAnswerBytes });
  return {
    node: over(MAX_ANSWER_BYTES),
    bounded: over,
    peer: chain,
    chainId: CHAIN_ID,
    close: () => chain.stop(),
  };
});
