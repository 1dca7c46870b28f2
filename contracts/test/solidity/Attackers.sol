// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IResultVerifier, Outcome, ResultClaim, Verdict} from "../../solidity/interfaces/IResultVerifier.sol";
import {JobEscrow} from "../../solidity/JobEscrow.sol";
import {WrappedAios} from "../../solidity/WrappedAios.sol";

/// Withdraws again from within the payment of its first withdrawal.
contract ReenteringHolder {
    WrappedAios private immutable _token;
    bool public secondWithdrawalSucceeded;

    constructor(WrappedAios token) payable {
        _token = token;
    }

    function attack(uint256 amountWei) external payable {
        _token.deposit{value: amountWei}();
        _token.withdraw(amountWei);
    }

    receive() external payable {
        try _token.withdraw(msg.value) {
            secondWithdrawalSucceeded = true;
        } catch {}
    }
}

/// Accepts every signature, after having tried to move the escrow's money from within the check.
contract ReenteringSigner is IERC1271 {
    JobEscrow private immutable _escrow;
    bytes32 public jobId;

    constructor(JobEscrow escrow) {
        _escrow = escrow;
    }

    function target(bytes32 jobId_) external {
        jobId = jobId_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        (bool refunded, ) = address(_escrow).staticcall(abi.encodeCall(JobEscrow.refund, (jobId)));
        (bool withdrawn, ) = address(_escrow).staticcall(abi.encodeWithSignature("withdraw()"));
        require(!refunded && !withdrawn, "re-entered");
        return IERC1271.isValidSignature.selector;
    }
}

/// Answers what its deployer chose.
contract FixedVerifier is IResultVerifier {
    Outcome private immutable _outcome;
    uint64 private immutable _window;

    constructor(Outcome outcome, uint64 window) {
        _outcome = outcome;
        _window = window;
    }

    function verify(ResultClaim calldata, bytes calldata) external view returns (Verdict memory) {
        return Verdict(_outcome, uint64(block.timestamp) + _window, "fixed");
    }

    function acceptanceSuffices() external pure returns (bool) {
        return false;
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IResultVerifier).interfaceId || interfaceId == type(IERC165).interfaceId;
    }
}

/// A verifier that tries to settle the job a second time while it is asked about it.
contract ReenteringVerifier is IResultVerifier {
    function verify(ResultClaim calldata claim, bytes calldata) external view returns (Verdict memory) {
        (bool settled, ) = claim.escrow.staticcall(abi.encodeCall(JobEscrow.settle, (claim.jobId, "")));
        require(!settled, "re-entered");
        return Verdict(Outcome.Final, 0, bytes32(0));
    }

    function acceptanceSuffices() external pure returns (bool) {
        return false;
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IResultVerifier).interfaceId || interfaceId == type(IERC165).interfaceId;
    }
}
