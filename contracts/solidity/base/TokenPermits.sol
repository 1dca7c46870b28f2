// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {WrappedAios} from "../WrappedAios.sol";

/// An ERC-2612 permit for the calling contract; an empty signature means that an allowance is already there.
struct TokenPermit {
    uint256 valueWei;
    uint256 deadline;
    bytes signature;
}

/// Pulls tokens that the owner agreed to pay.
library TokenPermits {
    using SafeERC20 for WrappedAios;

    error InsufficientAllowance(address owner, address spender, uint256 allowanceWei, uint256 neededWei);

    /// A permit is used only where the allowance does not suffice yet, and its failure is not the end: anyone may
    /// have submitted it already. What counts is the allowance afterwards.
    function pull(WrappedAios token, address owner, uint256 amountWei, TokenPermit calldata permit) internal {
        if (amountWei == 0) return;
        uint256 allowanceWei = token.allowance(owner, address(this));
        if (allowanceWei < amountWei) {
            _tryPermit(token, owner, permit);
            allowanceWei = token.allowance(owner, address(this));
            if (allowanceWei < amountWei) {
                revert InsufficientAllowance(owner, address(this), allowanceWei, amountWei);
            }
        }
        token.safeTransferFrom(owner, address(this), amountWei);
    }

    function _tryPermit(WrappedAios token, address owner, TokenPermit calldata permit) private {
        bytes calldata signature = permit.signature;
        if (signature.length != 65) return;
        try
            token.permit(
                owner,
                address(this),
                permit.valueWei,
                permit.deadline,
                uint8(signature[64]),
                bytes32(signature[0:32]),
                bytes32(signature[32:64])
            )
        {} catch {}
    }
}
