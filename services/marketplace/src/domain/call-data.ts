import { getBytes, hexlify, Interface } from "ethers";
import type { NamedTypedData } from "./typed-data.js";

const MODEL_LICENCE = new Interface([
  "function publishModel((address owner, bytes32 modelCommitment, bytes32 verifyingKeyHash, bytes32 honkKeyHash, bytes32 ceremonyTranscriptHash, string contentCid, uint256 licencePriceWei, uint256 usageFeeWei, uint16 royaltyBps, uint256 nonce, uint64 deadline) publication, bytes ownerSignature)",
  "function purchaseLicence((address buyer, uint256 modelId, uint256 maxPriceWei, uint256 nonce, uint64 deadline) purchase, bytes buyerSignature, (uint256 valueWei, uint256 deadline, bytes signature) permit)",
]);

/** Call of `ModelLicence.publishModel` with what the owner signed. */
export function encodePublication(publication: NamedTypedData, signature: Uint8Array): Uint8Array {
  return getBytes(
    MODEL_LICENCE.encodeFunctionData("publishModel", [publication.message, hexlify(signature)]),
  );
}

/** Call of `ModelLicence.purchaseLicence` with what the buyer signed. */
export function encodePurchase(
  purchase: NamedTypedData,
  purchaseSignature: Uint8Array,
  permit: NamedTypedData,
  permitSignature: Uint8Array,
): Uint8Array {
  const { value, deadline } = permit.message;
  return getBytes(
    MODEL_LICENCE.encodeFunctionData("purchaseLicence", [
      purchase.message,
      hexlify(purchaseSignature),
      { valueWei: value, deadline, signature: hexlify(permitSignature) },
    ]),
  );
}
