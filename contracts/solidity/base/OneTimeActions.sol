// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignedActions} from "./SignedActions.sol";

/// Signed actions that nothing else keeps from happening twice. Their nonces need no order: what is used up is
/// the digest, so a signer may sign several at once, and another form of the same signature changes nothing.
abstract contract OneTimeActions is SignedActions {
    mapping(bytes32 digest => bool) public consumed;

    error SignatureExpired(uint256 deadline, uint256 timestamp);
    error AlreadyConsumed(bytes32 digest);

    function _consume(address signer, bytes32 digest, uint256 deadline, bytes calldata signature) internal {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        if (consumed[digest]) revert AlreadyConsumed(digest);
        _requireSignature(signer, digest, signature);
        consumed[digest] = true;
    }
}
