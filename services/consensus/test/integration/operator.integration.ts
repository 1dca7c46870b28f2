import { OperatorAccount } from "@aios/consensus/adapters/secp256k1/operator-account";
import {
  registerCall,
  rotateKeyCall,
  slashCall,
  unbondCall,
  withdrawRewardsCall,
} from "@aios/consensus/domain/staking-calls";
import { abi } from "@aios/contracts/abi/honor-staking";
import { blsPublicKey, provePossession } from "@aios/core-finality/bls-signatures";
import { encodePublicKeyForEvm, encodeSignatureForEvm } from "@aios/core-finality/eip2537-encoding";
import { fromHex, toHex } from "@aios/core-rlp/hex";
import { address } from "@aios/kernel/identifiers";
import { Interface } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { transactionSignerConformance } from "../conformance/transaction-signer.conformance.js";
import { sampleEvidence } from "../support/sample-evidence.js";

transactionSignerConformance("OperatorAccount", (secret) => new OperatorAccount(secret));

describe("calls of the staking contract", () => {
  const staking = new Interface(abi);
  const secret = new Uint8Array(32).fill(9);
  const key = { publicKey: blsPublicKey(secret), possession: provePossession(secret) };
  const encoded = [toHex(encodePublicKeyForEvm(key.publicKey)), toHex(encodeSignatureForEvm(key.possession))];

  it("are encoded as by others", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes)),
        fc.string({ maxLength: 100, unit: "grapheme" }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        (nodeKey, endpoint, signature) => {
          const call = registerCall(key, { nodeKey: nodeKey.slice(2), signature, endpoint });
          const words = [toHex(signature.subarray(0, 32)), toHex(signature.subarray(32))];
          expect(toHex(call)).toBe(
            staking.encodeFunctionData("register", [...encoded, nodeKey, words, endpoint]),
          );
        },
      ),
      { numRuns: 25 },
    );
    expect(toHex(rotateKeyCall(key))).toBe(staking.encodeFunctionData("rotateKey", encoded));
    expect(toHex(unbondCall())).toBe(staking.encodeFunctionData("unbond", []));
    const account = address(`0x${"4a".repeat(20)}`);
    expect(toHex(withdrawRewardsCall(account))).toBe(
      staking.encodeFunctionData("withdrawRewards", [account]),
    );
  });

  it("show evidence of each kind", () => {
    const { offence } = sampleEvidence(4, 1);
    const accused = toHex(encodePublicKeyForEvm(fromHex(`0x${offence.publicKey}`)));
    const signatures = [offence.first, offence.second].map(({ signature }) =>
      toHex(encodeSignatureForEvm(fromHex(signature))),
    );
    const statements = [
      [`0x${"00".repeat(32)}`, 0],
      [`0x${"ab".repeat(32)}`, 0],
    ];
    expect(toHex(slashCall(offence))).toBe(
      staking.encodeFunctionData("slashDoubleMessage", [accused, [1, 7, 2], statements, signatures]),
    );
    const statementOf = (validRound: number) => ({ checkpointId: "cd".repeat(32), validRound });
    const proposals = {
      kind: "double-message",
      step: "proposal",
      height: 8,
      round: 1,
      statements: [statementOf(-1), statementOf(0)],
    } as const;
    expect(toHex(slashCall({ ...offence, claim: proposals }))).toBe(
      staking.encodeFunctionData("slashDoubleMessage", [
        accused,
        [0, 8, 1],
        [
          [`0x${"cd".repeat(32)}`, -1],
          [`0x${"cd".repeat(32)}`, 0],
        ],
        signatures,
      ]),
    );
    const blockIds = ["11".repeat(32), "22".repeat(32)];
    const blocks = { kind: "double-block", setNumber: 3, seat: 0, tick: 40, blockIds } as const;
    expect(toHex(slashCall({ ...offence, claim: blocks }))).toBe(
      staking.encodeFunctionData("slashDoubleBlock", [
        accused,
        [3, 0, 40],
        blockIds.map((id) => `0x${id}`),
        signatures,
      ]),
    );
  });
});
