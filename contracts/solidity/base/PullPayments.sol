// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {WrappedAios} from "../WrappedAios.sol";
import {PaymentSplit} from "./PaymentSplit.sol";

/// Credits accounts and lets them withdraw, so that no payee can stop a settlement.
abstract contract PullPayments is ReentrancyGuardTransient {
    using SafeERC20 for WrappedAios;

    WrappedAios public immutable token;
    /// Receives the part of the protocol fee that is not burned.
    address public immutable treasury;
    uint256 public immutable protocolFeeBps;

    mapping(address account => uint256 amountWei) public withdrawable;
    uint256 public totalWithdrawableWei;

    event Withdrawn(address indexed account, uint256 amountWei);

    error NothingToWithdraw(address account);
    error ZeroAddress();
    error FeeOutOfRange(uint256 bps);

    constructor(WrappedAios token_, address treasury_, uint256 protocolFeeBps_) {
        if (address(token_) == address(0) || treasury_ == address(0)) revert ZeroAddress();
        if (protocolFeeBps_ > PaymentSplit.BPS_DENOMINATOR) revert FeeOutOfRange(protocolFeeBps_);
        token = token_;
        treasury = treasury_;
        protocolFeeBps = protocolFeeBps_;
    }

    /// Sends the caller all that it is owed.
    function withdraw() external {
        withdrawFor(msg.sender);
    }

    /// Sends `account` all that it is owed; anyone may pay the gas.
    function withdrawFor(address account) public nonReentrant {
        uint256 amountWei = withdrawable[account];
        if (amountWei == 0) revert NothingToWithdraw(account);
        withdrawable[account] = 0;
        totalWithdrawableWei -= amountWei;
        emit Withdrawn(account, amountWei);
        token.safeTransfer(account, amountWei);
    }

    function _credit(address account, uint256 amountWei) internal {
        withdrawable[account] += amountWei;
        totalWithdrawableWei += amountWei;
    }
}
