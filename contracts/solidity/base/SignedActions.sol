// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// EIP-712 domain "AiOS" version "1", and signatures of accounts with a key (low s only) or with code (ERC-1271).
abstract contract SignedActions is EIP712 {
    error BadSignature(address expectedSigner, bytes32 digest);

    constructor() EIP712("AiOS", "1") {}

    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _requireSignature(address signer, bytes32 digest, bytes calldata signature) internal view {
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) revert BadSignature(signer, digest);
    }
}
