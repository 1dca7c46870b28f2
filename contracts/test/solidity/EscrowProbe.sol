// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobEscrow} from "../../solidity/JobEscrow.sol";
import {JobState} from "../../solidity/JobStates.sol";
import {WrappedAios} from "../../solidity/WrappedAios.sol";

/// All that the invariants speak about, of one block, in one call.
contract EscrowProbe {
    struct Snapshot {
        JobState[] states;
        uint64[] fencingTokens;
        uint256 heldWei;
        uint256 owedWei;
        uint256 escrowedWei;
        uint256 supplyWei;
        uint256 backingWei;
    }

    function probe(JobEscrow escrow, bytes32[] calldata jobIds) external view returns (Snapshot memory snapshot) {
        WrappedAios token = escrow.token();
        snapshot.states = new JobState[](jobIds.length);
        snapshot.fencingTokens = new uint64[](jobIds.length);
        for (uint256 i = 0; i < jobIds.length; i++) {
            JobEscrow.Job memory job = escrow.jobOf(jobIds[i]);
            snapshot.states[i] = job.state;
            snapshot.fencingTokens[i] = job.fencingToken;
        }
        snapshot.heldWei = token.balanceOf(address(escrow));
        snapshot.owedWei = escrow.totalWithdrawableWei();
        snapshot.escrowedWei = escrow.totalEscrowedWei();
        snapshot.supplyWei = token.totalSupply();
        snapshot.backingWei = address(token).balance;
    }
}
