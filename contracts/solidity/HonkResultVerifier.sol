// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProofStatement} from "./base/ProofStatement.sol";
import {HonkVerifier} from "./honk/HonkVerifier.sol";
import {IModelTerms} from "./interfaces/IModelTerms.sol";
import {ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";

/// The ladder's rung "prove" with a universal set-up: an UltraHonk proof that the committed model gave this output for
/// the committed input. The weights are in the circuit, the circuit is in the verifying key, and the key comes with the
/// evidence and must hash to what the model was published with.
///
/// Evidence = abi.encode(bytes verifyingKey, bytes proof), in its one canonical form; see `HonkVerifier`.
contract HonkResultVerifier is ProofStatement {
    uint256 private constant KEY_HEAD_OFFSET = 0x40;
    uint256 private constant KEY_OFFSET = 0x60;
    uint256 private constant KEY_BYTES = 1888;
    uint256 private constant PROOF_HEAD_OFFSET = KEY_OFFSET + KEY_BYTES;
    uint256 private constant PROOF_OFFSET = PROOF_HEAD_OFFSET + 0x20;

    HonkVerifier public immutable honk;

    constructor(IModelTerms models_, HonkVerifier honk_) ProofStatement(models_) {
        honk = honk_;
    }

    function verify(ResultClaim calldata claim, bytes calldata evidence) external view returns (Verdict memory) {
        if (!_isCanonical(evidence)) return _invalid("evidence-malformed");
        if (claim.inputCommitment >= SCALAR_ORDER) return _invalid("input-commitment-out-of-field");
        if (claim.output >= SCALAR_ORDER) return _invalid("output-out-of-field");

        (bytes32 modelCommitment, bytes32 verifyingKeyHash) = models.honkStatementOf(claim.modelId);
        if (modelCommitment == bytes32(0)) return _invalid("model-unknown");
        bytes calldata key = evidence[KEY_OFFSET:PROOF_HEAD_OFFSET];
        if (keccak256(key) != verifyingKeyHash) return _invalid("verifying-key-mismatch");

        bytes32[] memory inputs = new bytes32[](3);
        inputs[0] = bytes32(contextOf(claim, modelCommitment, verifyingKeyHash));
        inputs[1] = bytes32(claim.inputCommitment);
        inputs[2] = bytes32(claim.output);
        try honk.verify(key, inputs, evidence[PROOF_OFFSET:]) returns (bool holds) {
            return holds ? _final() : _invalid("proof-rejected");
        } catch {
            return _invalid("proof-rejected");
        }
    }

    function refutedUnder(uint256 modelId) external view returns (bytes32, bytes32) {
        return models.honkStatementOf(modelId);
    }

    function _isCanonical(bytes calldata evidence) private pure returns (bool) {
        return
            evidence.length > PROOF_OFFSET &&
            evidence.length % 32 == 0 &&
            _word(evidence, 0x00) == KEY_HEAD_OFFSET &&
            _word(evidence, 0x20) == PROOF_HEAD_OFFSET &&
            _word(evidence, KEY_HEAD_OFFSET) == KEY_BYTES &&
            _word(evidence, PROOF_HEAD_OFFSET) == evidence.length - PROOF_OFFSET;
    }
}
