// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {JobMessages} from "./base/JobMessages.sol";
import {RefutingVerifier} from "./base/RefutingVerifier.sol";
import {IRefutingVerifier, ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";
import {JobEscrow} from "./JobEscrow.sol";
import {ProviderRegistry} from "./ProviderRegistry.sol";

/// The ladder's third rung, "replicate": final when a second active provider has signed a delivery of the same output
/// for the same job: the one whom the lease names as `prover`, chosen by the matcher before there was a lease, so that
/// nobody's own second stake certifies its work. Two signatures over different outputs decide nothing: a proof does, of
/// the delivered output (final) or of another one (refuted).
///
/// Evidence is either a proof as `Groth16ResultVerifier` takes it, or, in 160 bytes, what the replica's signed delivery
/// says beside job and output: fencing token, receipt hash, r, s, v.
contract ReplicatedResultVerifier is RefutingVerifier {
    uint256 private constant REPLICA_BYTES = 160;

    ProviderRegistry public immutable providers;
    IRefutingVerifier public immutable proofs;

    constructor(ProviderRegistry providers_, IRefutingVerifier proofs_) {
        providers = providers_;
        proofs = proofs_;
    }

    function verify(ResultClaim calldata claim, bytes calldata evidence) external view returns (Verdict memory) {
        if (evidence.length != REPLICA_BYTES) return proofs.verify(claim, evidence);
        if (claim.outputHash != keccak256(abi.encode(claim.output))) return _invalid("replica-cannot-refute");
        uint256 token = uint256(bytes32(evidence[0:32]));
        uint256 v = uint256(bytes32(evidence[128:160]));
        if (token > type(uint64).max || v > type(uint8).max) return _invalid("evidence-malformed");
        bytes32 digest = JobMessages(claim.escrow).deliveryDigest(
            JobMessages.Delivery({
                jobId: claim.jobId,
                fencingToken: uint64(token),
                output: claim.output,
                outputHash: claim.outputHash,
                receiptHash: bytes32(evidence[32:64])
            })
        );
        (address replica, ECDSA.RecoverError problem, ) = ECDSA.tryRecover(
            digest,
            uint8(v),
            bytes32(evidence[64:96]),
            bytes32(evidence[96:128])
        );
        if (problem != ECDSA.RecoverError.NoError) return _invalid("replica-signature-malformed");
        if (replica == claim.provider) return _invalid("replica-is-the-provider");
        if (replica != JobEscrow(claim.escrow).jobOf(claim.jobId).prover) return _invalid("replica-not-named");
        if (!providers.isActive(replica)) return _invalid("replica-not-active");
        return _final();
    }

    /// A second opinion was asked and paid for: the buyer's word does not replace it.
    function acceptanceSuffices() external pure returns (bool) {
        return false;
    }

    function refutedUnder(uint256 modelId) external view returns (bytes32, bytes32) {
        return proofs.refutedUnder(modelId);
    }
}
