// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// Shares income out among stakes, in proportion, whenever it comes and however many there are: what a wei of stake has
/// earned since the beginning is one number. Nothing is lost to rounding: amounts are kept in 2^-64 of a wei, and what does
/// not divide waits for the next income.
library StakeRewards {
    /// A wei. Supply and income stay below 2^90 wei: products of two with the scale fit a word.
    uint256 private constant SCALE = 1 << 64;

    struct Account {
        uint256 stakeWei;
        /// `Pool.earnedPerWei` up to which `owed` counts.
        uint256 earnedPerWei;
        /// Earned and not paid, times `SCALE`.
        uint256 owed;
    }

    struct Pool {
        uint256 totalStakeWei;
        /// What each wei of stake earned since the beginning, times `SCALE`.
        uint256 earnedPerWei;
        /// Shared out and not paid, times `SCALE`: what all accounts are owed together.
        uint256 owed;
        mapping(address account => Account) accounts;
    }

    /// Coins that are shared out and not paid, rounded up.
    function owedWei(Pool storage pool) internal view returns (uint256) {
        return Math.ceilDiv(pool.owed, SCALE);
    }

    /// Shares income out among the stakes as they are. Returns what is shared out, rounded down; all of it waits while there
    /// is no stake.
    function share(Pool storage pool, uint256 incomeWei) internal returns (uint256 sharedWei) {
        uint256 totalWei = pool.totalStakeWei;
        if (totalWei == 0 || incomeWei == 0) return 0;
        uint256 perWei = (incomeWei * SCALE) / totalWei;
        pool.earnedPerWei += perWei;
        pool.owed += perWei * totalWei;
        return (perWei * totalWei) / SCALE;
    }

    /// Changes an account's stake from now on.
    function setStake(Pool storage pool, address account, uint256 stakeWei) internal {
        Account storage entry = pool.accounts[account];
        if (entry.stakeWei == stakeWei) return;
        _bringUp(pool, entry);
        pool.totalStakeWei = pool.totalStakeWei - entry.stakeWei + stakeWei;
        entry.stakeWei = stakeWei;
    }

    /// Takes what an account is owed in whole wei; the rest of a wei stays its own.
    function take(Pool storage pool, address account) internal returns (uint256 amountWei) {
        Account storage entry = pool.accounts[account];
        _bringUp(pool, entry);
        amountWei = entry.owed / SCALE;
        entry.owed -= amountWei * SCALE;
        pool.owed -= amountWei * SCALE;
    }

    /// What `take` would give if `incomeWei` were shared out before.
    function dueWei(Pool storage pool, address account, uint256 incomeWei) internal view returns (uint256) {
        Account storage entry = pool.accounts[account];
        uint256 earnedPerWei = pool.earnedPerWei;
        if (pool.totalStakeWei != 0) earnedPerWei += (incomeWei * SCALE) / pool.totalStakeWei;
        return (entry.owed + entry.stakeWei * (earnedPerWei - entry.earnedPerWei)) / SCALE;
    }

    function _bringUp(Pool storage pool, Account storage entry) private {
        entry.owed += entry.stakeWei * (pool.earnedPerWei - entry.earnedPerWei);
        entry.earnedPerWei = pool.earnedPerWei;
    }
}
