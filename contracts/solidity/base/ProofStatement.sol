// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IModelTerms} from "../interfaces/IModelTerms.sol";
import {ResultClaim} from "../interfaces/IResultVerifier.sol";
import {RefutingVerifier} from "./RefutingVerifier.sol";

/// What every proof of an inference is bound to, whatever proof system made it: public inputs are context, input
/// commitment and output.
abstract contract ProofStatement is RefutingVerifier {
    /// As `STATEMENT_VERSION` of cores/zkml/src/statement.ts.
    uint256 public constant STATEMENT_VERSION = 1;

    /// Order of the group: public inputs are below it.
    uint256 internal constant SCALAR_ORDER =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    IModelTerms public immutable models;

    constructor(IModelTerms models_) {
        models = models_;
    }

    /// A proof was asked and paid for: the buyer's word does not replace it.
    function acceptanceSuffices() external pure returns (bool) {
        return false;
    }

    /// The first public input: 248 bits of a hash over everything that a proof must be bound to besides input and
    /// output. As `statementContext` of cores/zkml/src/statement.ts.
    function contextOf(
        ResultClaim calldata claim,
        bytes32 modelCommitment,
        bytes32 verifyingKeyHash
    ) public view returns (uint256) {
        return
            uint256(
                keccak256(
                    abi.encode(
                        STATEMENT_VERSION,
                        block.chainid,
                        claim.escrow,
                        claim.jobId,
                        claim.requester,
                        modelCommitment,
                        verifyingKeyHash
                    )
                )
            ) >> 8;
    }

    function _word(bytes calldata evidence, uint256 offset) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(evidence.offset, offset))
        }
    }
}
