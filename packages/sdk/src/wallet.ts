import { getAddress } from "ethers/address";
import { Wallet } from "ethers/wallet";
import type { TypedData } from "./api-types.js";

/** Something that holds an account's key and signs with it: a private key here, a browser wallet elsewhere. */
export interface AccountSigner {
  /** Lower-case 0x address. */
  readonly address: string;
  /** EIP-191 `personal_sign`. */
  signMessage(text: string): Promise<string>;
  /** EIP-712 `eth_signTypedData_v4`. */
  signTypedData(typedData: TypedData): Promise<string>;
}

/** The typed data's own types without the domain's, as signing libraries want them. */
export function messageTypes(typedData: TypedData): Record<string, { name: string; type: string }[]> {
  const types: Record<string, { name: string; type: string }[]> = {};
  for (const [name, fields] of Object.entries(typedData.types)) {
    if (name !== "EIP712Domain")
      types[name] = fields.map((field) => ({ name: field.name, type: field.type }));
  }
  return types;
}

/** Signs with a private key held in memory. `privateKey` is 32 bytes of hex. */
export function privateKeySigner(privateKey: string): AccountSigner {
  const wallet = new Wallet(privateKey.startsWith("0x") ? privateKey : `0x${privateKey}`);
  return {
    address: wallet.address.toLowerCase(),
    signMessage: (text) => wallet.signMessage(text),
    signTypedData: (typedData) =>
      wallet.signTypedData(typedData.domain, messageTypes(typedData), { ...typedData.message }),
  };
}

/** What an EIP-1193 provider offers; only `request` is used. */
export interface BrowserWallet {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
}

/** Signs with a browser wallet (EIP-1193). The wallet asks its user each time. */
export function browserWalletSigner(wallet: BrowserWallet, account: string): AccountSigner {
  const address = getAddress(account);
  const ask = async (method: string, params: readonly unknown[]): Promise<string> =>
    String(await wallet.request({ method, params }));
  return {
    address: address.toLowerCase(),
    signMessage: (text) => ask("personal_sign", [text, address]),
    signTypedData: (typedData) => ask("eth_signTypedData_v4", [address, JSON.stringify(typedData)]),
  };
}
