// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// What the escrow asks about: this output, for this job.
struct ResultClaim {
    address escrow;
    bytes32 jobId;
    address requester;
    address provider;
    uint256 modelId;
    uint256 inputCommitment;
    uint256 output;
    bytes32 outputHash;
    uint64 deliveredAt;
}

enum Outcome {
    Invalid,
    PendingUntil,
    Final
}

struct Verdict {
    Outcome outcome;
    /// For `PendingUntil`: unix seconds from which the result is final.
    uint64 pendingUntil;
    /// For `Invalid`: why, as short ASCII text such as "verifying-key-mismatch".
    bytes32 reason;
}

/// One rung of the verification ladder. Implementations are immutable, listed in the `ContractRegistry`, keep no
/// state that a caller can change, and answer `Invalid` rather than revert.
interface IResultVerifier is IERC165 {
    function verify(ResultClaim calldata claim, bytes calldata evidence) external view returns (Verdict memory);

    /// True where the buyer's signed acceptance alone makes a result final.
    function acceptanceSuffices() external view returns (bool);
}

/// A verifier under whose evidence a job can be taken from its provider. Apart, since a `ContractRegistry` that is deployed
/// knows verifiers by the id of `IResultVerifier`, which must not change; who does not answer to this one refutes nothing.
interface IRefutingVerifier is IResultVerifier {
    /// What evidence proves under, where `verify` answers `Final` for an output that was not delivered, on evidence alone and
    /// never by the passing of time: such evidence takes the job from its provider. Zeroes where none does.
    function refutedUnder(uint256 modelId) external view returns (bytes32 modelCommitment, bytes32 verifyingKeyHash);
}
