// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Order as in `PAYMENT_KINDS` of cores/settlement/src/splits.ts.
enum PaymentKind {
    Escrow,
    Provider,
    Prover,
    Royalty,
    ProtocolFeeBurned,
    ProtocolFeeTreasury,
    Refund
}

/// What a job costs. Every amount is at most `PaymentSplit.MAX_AMOUNT_WEI`; shares are out of 10,000.
struct PriceTerms {
    uint256 providerPriceWei;
    uint256 proverFeeWei;
    uint256 usageFeeWei;
    uint256 royaltyBps;
    uint256 protocolFeeBps;
}

struct Cost {
    uint256 royaltyWei;
    uint256 protocolFeeWei;
    uint256 totalWei;
}

/// Integer arithmetic of who gets what. cores/settlement/src/splits.ts computes the same, integer for integer.
library PaymentSplit {
    uint256 internal constant BPS_DENOMINATOR = 10_000;
    /// Keeps every sum of parts below 2^256, so that unchecked inputs cannot overflow.
    uint256 internal constant MAX_AMOUNT_WEI = type(uint128).max;

    error AmountOutOfRange(uint256 amountWei, uint256 maximumWei);

    function requireAmount(uint256 amountWei) internal pure {
        if (amountWei > MAX_AMOUNT_WEI) revert AmountOutOfRange(amountWei, MAX_AMOUNT_WEI);
    }

    function cost(PriceTerms memory terms) internal pure returns (Cost memory result) {
        result.royaltyWei = terms.usageFeeWei + (terms.providerPriceWei * terms.royaltyBps) / BPS_DENOMINATOR;
        uint256 workWei = terms.providerPriceWei + terms.proverFeeWei + result.royaltyWei;
        result.protocolFeeWei = protocolFee(workWei, terms.protocolFeeBps);
        result.totalWei = workWei + result.protocolFeeWei;
    }

    /// Rounds up: dust cannot dodge the fee.
    function protocolFee(uint256 amountWei, uint256 bps) internal pure returns (uint256) {
        return (amountWei * bps + BPS_DENOMINATOR - 1) / BPS_DENOMINATOR;
    }

    function halveFee(uint256 feeWei) internal pure returns (uint256 burnedWei, uint256 treasuryWei) {
        burnedWei = feeWei / 2;
        treasuryWei = feeWei - burnedWei;
    }
}
