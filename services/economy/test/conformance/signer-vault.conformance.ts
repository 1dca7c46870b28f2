import { address } from "@aios/kernel/identifiers";
import { keccak256, Transaction } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIGNERS, type UnsignedTransaction } from "../../src/domain/chain-transaction.js";
import type { SignerVault } from "../../src/domain/ports.js";

export interface SignerVaultUnderTest {
  /** Opens the vault as a process does that has just started, on the same keys each time. */
  load(): SignerVault;
  close(): Promise<void>;
}

const UNSIGNED: UnsignedTransaction = {
  chainId: 31_337n,
  nonce: 7n,
  to: address(`0x${"e5".repeat(20)}`),
  data: Uint8Array.of(1, 2, 3),
  valueWei: 10n ** 24n,
  gasLimit: 90_000n,
  maxFeePerGasWei: 2n ** 70n,
  maxPriorityFeePerGasWei: 1n,
};

/** What every `SignerVault` does. */
export function signerVaultConformance(name: string, open: () => Promise<SignerVaultUnderTest>): void {
  describe(`${name} as SignerVault`, () => {
    let subject: SignerVaultUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("has an account of its own for each signer, the same after a restart", () => {
      const accounts = SIGNERS.map((signer) => subject.load().addressOf(signer));
      expect(new Set(accounts).size).toBe(SIGNERS.length);
      expect(SIGNERS.map((signer) => subject.load().addressOf(signer))).toEqual(accounts);
    });

    it("signs exactly what it is given, as that account, and names it by its hash", () => {
      for (const signer of SIGNERS) {
        const vault = subject.load();
        const { hash, raw } = vault.sign(signer, UNSIGNED);
        const signed = Transaction.from(`0x${Buffer.from(raw).toString("hex")}`);
        expect(keccak256(raw)).toBe(hash);
        expect(address(signed.from ?? "")).toBe(vault.addressOf(signer));
        expect(signed).toMatchObject({
          type: 2,
          chainId: UNSIGNED.chainId,
          nonce: Number(UNSIGNED.nonce),
          data: "0x010203",
          value: UNSIGNED.valueWei,
          gasLimit: UNSIGNED.gasLimit,
          maxFeePerGas: UNSIGNED.maxFeePerGasWei,
          maxPriorityFeePerGas: UNSIGNED.maxPriorityFeePerGasWei,
        });
        expect(address(signed.to ?? "")).toBe(UNSIGNED.to);
      }
    });

    it("signs the same form again as the same bytes, also after a restart", () => {
      expect(subject.load().sign("relayer", UNSIGNED)).toEqual(subject.load().sign("relayer", UNSIGNED));
      const replaced = { ...UNSIGNED, maxPriorityFeePerGasWei: 2n };
      expect(subject.load().sign("relayer", replaced).hash).not.toBe(
        subject.load().sign("relayer", UNSIGNED).hash,
      );
    });
  });
}
