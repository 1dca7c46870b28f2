// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProofStatement} from "./base/ProofStatement.sol";
import {IModelTerms} from "./interfaces/IModelTerms.sol";
import {ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";

/// The ladder's last rung, "prove": a Groth16 proof over BN254 (EIP-196, EIP-197) that the committed model gave
/// this output for the committed input. The verifying key comes with the evidence and must hash to what the model
/// was published with. A proof can be re-randomised by anyone, so its bytes mean nothing: what is settled once is
/// the job, and job, requester, chain and escrow are folded into the first public input.
///
/// Evidence = abi.encode(bytes verifyingKey, bytes proof), in its one canonical form, 1,088 bytes. Words of
/// 32 bytes, G2 as EIP-197 orders it (x imaginary, x real, y imaginary, y real):
/// verifyingKey = alpha (2) beta (4) gamma (4) delta (4) ic (4 points of 2); proof = A (2) B (4) C (2).
contract Groth16ResultVerifier is ProofStatement {
    /// Order of the coordinates' field.
    uint256 private constant FIELD_ORDER =
        21888242871839275222246405745257275088696311157297823662689037894645226208583;

    uint256 private constant EVIDENCE_BYTES = 1088;
    uint256 private constant KEY_HEAD_OFFSET = 0x40;
    uint256 private constant PROOF_HEAD_OFFSET = 0x320;
    uint256 private constant KEY_OFFSET = 0x60;
    uint256 private constant KEY_BYTES = 704;
    uint256 private constant PROOF_OFFSET = 0x340;
    uint256 private constant PROOF_BYTES = 256;

    constructor(IModelTerms models_) ProofStatement(models_) {}

    function verify(ResultClaim calldata claim, bytes calldata evidence) external view returns (Verdict memory) {
        if (!_isCanonical(evidence)) return _invalid("evidence-malformed");
        if (claim.inputCommitment >= SCALAR_ORDER) return _invalid("input-commitment-out-of-field");
        if (claim.output >= SCALAR_ORDER) return _invalid("output-out-of-field");

        (bytes32 modelCommitment, bytes32 verifyingKeyHash) = models.statementOf(claim.modelId);
        if (modelCommitment == bytes32(0)) return _invalid("model-unknown");
        if (keccak256(evidence[KEY_OFFSET:KEY_OFFSET + KEY_BYTES]) != verifyingKeyHash) {
            return _invalid("verifying-key-mismatch");
        }
        if (!_isInField(evidence)) return _invalid("proof-out-of-field");

        uint256 context = contextOf(claim, modelCommitment, verifyingKeyHash);
        if (!_holds(evidence, context, claim.inputCommitment, claim.output)) return _invalid("proof-rejected");
        return _final();
    }

    function refutedUnder(uint256 modelId) external view returns (bytes32, bytes32) {
        return models.statementOf(modelId);
    }

    function _isCanonical(bytes calldata evidence) private pure returns (bool) {
        return
            evidence.length == EVIDENCE_BYTES &&
            _word(evidence, 0x00) == KEY_HEAD_OFFSET &&
            _word(evidence, 0x20) == PROOF_HEAD_OFFSET &&
            _word(evidence, KEY_HEAD_OFFSET) == KEY_BYTES &&
            _word(evidence, PROOF_HEAD_OFFSET) == PROOF_BYTES;
    }

    /// Coordinates below the field's order, A not the point at infinity. (Whether points lie on their curve and B
    /// in the right subgroup is checked by the pairing itself, EIP-197.)
    function _isInField(bytes calldata evidence) private pure returns (bool) {
        for (uint256 i = 0; i < PROOF_BYTES; i += 32) {
            if (_word(evidence, PROOF_OFFSET + i) >= FIELD_ORDER) return false;
        }
        return _word(evidence, PROOF_OFFSET + 32) != 0;
    }

    /// e(−A, B) · e(alpha, beta) · e(ic0 + Σ xᵢ·icᵢ, gamma) · e(C, delta) = 1, by the precompiles 6, 7 and 8.
    /// Gas handed to them is bounded, since a failing precompile keeps all that it was given.
    function _holds(
        bytes calldata evidence,
        uint256 context,
        uint256 inputCommitment,
        uint256 output
    ) private view returns (bool holds) {
        assembly ("memory-safe") {
            let key := add(evidence.offset, KEY_OFFSET)
            let proof := add(evidence.offset, PROOF_OFFSET)
            let m := mload(0x40)

            // Σ in m..m+0x40, next summand in m+0x40..m+0x80, its scalar in m+0x80.
            calldatacopy(m, add(key, 0x1c0), 0x40)

            calldatacopy(add(m, 0x40), add(key, 0x200), 0x40)
            mstore(add(m, 0x80), context)
            holds := staticcall(20000, 7, add(m, 0x40), 0x60, add(m, 0x40), 0x40)
            holds := and(holds, staticcall(2000, 6, m, 0x80, m, 0x40))

            calldatacopy(add(m, 0x40), add(key, 0x240), 0x40)
            mstore(add(m, 0x80), inputCommitment)
            holds := and(holds, staticcall(20000, 7, add(m, 0x40), 0x60, add(m, 0x40), 0x40))
            holds := and(holds, staticcall(2000, 6, m, 0x80, m, 0x40))

            calldatacopy(add(m, 0x40), add(key, 0x280), 0x40)
            mstore(add(m, 0x80), output)
            holds := and(holds, staticcall(20000, 7, add(m, 0x40), 0x60, add(m, 0x40), 0x40))
            holds := and(holds, staticcall(2000, 6, m, 0x80, m, 0x40))

            // Pairs of a G1 point (0x40) and a G2 point (0x80). The sum stays where it is, as the first.
            calldatacopy(add(m, 0x40), add(key, 0xc0), 0x80) // gamma
            calldatacopy(add(m, 0xc0), proof, 0xc0) // A, B
            mstore(add(m, 0xe0), sub(FIELD_ORDER, mload(add(m, 0xe0)))) // −A
            calldatacopy(add(m, 0x180), key, 0xc0) // alpha, beta
            calldatacopy(add(m, 0x240), add(proof, 0xc0), 0x40) // C
            calldatacopy(add(m, 0x280), add(key, 0x140), 0x80) // delta
            holds := and(holds, staticcall(400000, 8, m, 0x300, 0x00, 0x20))
            holds := and(holds, and(eq(returndatasize(), 0x20), eq(mload(0x00), 1)))
        }
    }
}
