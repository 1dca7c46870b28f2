import { readFileSync } from "node:fs";
import { CodedError } from "@aios/kernel/coded-error";
import { type Address, address } from "@aios/kernel/identifiers";
import { computeAddress, getBytes, SigningKey, Transaction } from "ethers";
import type { SignedTransaction, Signer, UnsignedTransaction } from "../../domain/chain-transaction.js";
import type { SignerVault } from "../../domain/ports.js";

interface Account {
  readonly key: SigningKey;
  readonly address: Address;
}

/** Signs with keys read once from files: 32 bytes as hex, with or without 0x. */
export class KeyFileVault implements SignerVault {
  readonly #accounts: ReadonlyMap<Signer, Account>;

  constructor(files: Readonly<Record<Signer, string>>) {
    this.#accounts = new Map(
      (Object.entries(files) as [Signer, string][]).map(([signer, file]) => [
        signer,
        readAccount(signer, file),
      ]),
    );
    const addresses = new Set([...this.#accounts.values()].map((account) => account.address));
    if (addresses.size !== this.#accounts.size) {
      throw new CodedError({
        code: "signer-keys-shared",
        kind: "invalid",
        message: "Each signer needs a key of its own: two of the key files hold the same key.",
      });
    }
  }

  addressOf(signer: Signer): Address {
    return this.#account(signer).address;
  }

  sign(signer: Signer, transaction: UnsignedTransaction): SignedTransaction {
    const unsigned = Transaction.from({
      type: 2,
      chainId: transaction.chainId,
      nonce: Number(transaction.nonce),
      to: transaction.to,
      data: `0x${Buffer.from(transaction.data).toString("hex")}`,
      value: transaction.valueWei,
      gasLimit: transaction.gasLimit,
      maxFeePerGas: transaction.maxFeePerGasWei,
      maxPriorityFeePerGas: transaction.maxPriorityFeePerGasWei,
    });
    unsigned.signature = this.#account(signer).key.sign(unsigned.unsignedHash);
    const hash = unsigned.hash;
    if (hash === null) throw new Error("a signed transaction has a hash");
    return { hash, raw: getBytes(unsigned.serialized) };
  }

  #account(signer: Signer): Account {
    const account = this.#accounts.get(signer);
    if (account === undefined) throw new Error(`no key for signer ${signer}`);
    return account;
  }
}

function readAccount(signer: Signer, file: string): Account {
  const text = readFileSync(file, "utf8").trim();
  if (!/^(0x)?[0-9a-fA-F]{64}$/.test(text)) {
    throw new CodedError({
      code: "invalid-key-file",
      kind: "invalid",
      message: `The ${signer} key file ${file} must hold 64 hex digits.`,
    });
  }
  const key = new SigningKey(text.startsWith("0x") ? text : `0x${text}`);
  return { key, address: address(computeAddress(key)) };
}
