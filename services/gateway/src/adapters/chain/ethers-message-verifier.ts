import { type Address, address } from "@aios/kernel/identifiers";
import { verifyMessage } from "ethers/hash";
import type { MessageVerifier } from "../../domain/ports.js";

/** EIP-191 signatures of externally owned accounts. */
export const ethersMessageVerifier: MessageVerifier = {
  signerOf(message, signature): Address | undefined {
    try {
      return address(verifyMessage(message, signature));
    } catch {
      return undefined;
    }
  },
};
