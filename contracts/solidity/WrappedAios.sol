// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// The native coin as an ERC-20, one to one, as WETH does it; with ERC-2612 permits, votes (by time stamp,
/// because blocks are not evenly spaced) and burning that destroys the backing too.
contract WrappedAios is ERC20Permit, ERC20Votes, ERC20Burnable {
    /// Nobody has this account's key; coins sent here are gone.
    address public constant BURN_SINK = 0x000000000000000000000000000000000000dEaD;

    event Deposit(address indexed account, uint256 amountWei);
    event Withdrawal(address indexed account, uint256 amountWei);
    event BackingBurned(uint256 amountWei);

    error NativeTransferFailed(address to, uint256 amountWei);

    constructor() ERC20("Wrapped AIOS", "wAIOS") ERC20Permit("Wrapped AIOS") {}

    receive() external payable {
        _wrap(msg.sender, msg.value);
    }

    function deposit() external payable {
        _wrap(msg.sender, msg.value);
    }

    /// Wraps the sent coins for `account`.
    function depositTo(address account) external payable {
        _wrap(account, msg.value);
    }

    function withdraw(uint256 amountWei) external {
        _burn(msg.sender, amountWei);
        emit Withdrawal(msg.sender, amountWei);
        _sendNative(msg.sender, amountWei);
    }

    function burn(uint256 amountWei) public override {
        super.burn(amountWei);
        _burnBacking(amountWei);
    }

    function burnFrom(address account, uint256 amountWei) public override {
        super.burnFrom(account, amountWei);
        _burnBacking(amountWei);
    }

    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 amountWei) internal override(ERC20, ERC20Votes) {
        super._update(from, to, amountWei);
    }

    function _wrap(address account, uint256 amountWei) private {
        _mint(account, amountWei);
        emit Deposit(account, amountWei);
    }

    function _burnBacking(uint256 amountWei) private {
        emit BackingBurned(amountWei);
        _sendNative(BURN_SINK, amountWei);
    }

    function _sendNative(address to, uint256 amountWei) private {
        (bool sent, ) = to.call{value: amountWei}("");
        if (!sent) revert NativeTransferFailed(to, amountWei);
    }
}
