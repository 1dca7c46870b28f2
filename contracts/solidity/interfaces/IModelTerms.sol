// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What escrow and verifiers need to know about models and licences. Terms of a published model never change.
interface IModelTerms {
    /// Zeroes for an unknown model.
    function statementOf(uint256 modelId) external view returns (bytes32 modelCommitment, bytes32 verifyingKeyHash);

    /// As `statementOf`, of the UltraHonk key; zero where the model has none.
    function honkStatementOf(uint256 modelId) external view returns (bytes32 modelCommitment, bytes32 honkKeyHash);

    /// Reverts with `ModelUnknown`.
    function usageTermsOf(
        uint256 modelId
    ) external view returns (address royaltyReceiver, uint256 usageFeeWei, uint256 royaltyBps);

    /// Whether `account` owns `licenceId` and it is a licence of `modelId`.
    function isLicensed(uint256 modelId, uint256 licenceId, address account) external view returns (bool);
}
