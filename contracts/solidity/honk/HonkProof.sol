// SPDX-License-Identifier: Apache-2.0
// Derived from the verifier that barretenberg 5.0.0-nightly.20260710 generates, Copyright 2022 Aztec, Apache-2.0.
pragma solidity 0.8.37;

import {Fr, FrLib, HonkErrors} from "./HonkField.sol";

// Circuits of up to 2^24 rows: more than any that we prove.
uint256 constant MAX_LOG_N = 24;
// Permutation 0 to 2, lookup 3 to 5, arithmetic 6 and 7. Those of other gates would follow.
uint256 constant NUMBER_OF_SUBRELATIONS = 8;
// Evaluations of one sumcheck round's univariate, zero-knowledge flavour.
uint256 constant UNIVARIATE_LENGTH = 9;
uint256 constant NUMBER_OF_ENTITIES = 41;
// The masking polynomial comes first among the entities that are opened.
uint256 constant NUM_MASKING_POLYNOMIALS = 1;
uint256 constant NUMBER_OF_ENTITIES_ZK = NUMBER_OF_ENTITIES + NUM_MASKING_POLYNOMIALS;
uint256 constant NUMBER_UNSHIFTED_ZK = 36 + NUM_MASKING_POLYNOMIALS;
uint256 constant NUMBER_TO_BE_SHIFTED = 5;
// Public inputs that a recursive circuit would use. Ours are not recursive: they are zero.
uint256 constant PAIRING_POINTS_SIZE = 8;
// Powers of alpha that batch the subrelations.
uint256 constant NUMBER_OF_ALPHAS = NUMBER_OF_SUBRELATIONS - 1;

// Order of the coordinates' field.
uint256 constant BASE_FIELD_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

struct G1Point {
    uint256 x;
    uint256 y;
}

/// Polynomials in the order in which keys and proofs list them.
enum Wire {
    SIGMA_1,
    SIGMA_2,
    SIGMA_3,
    SIGMA_4,
    ID_1,
    ID_2,
    ID_3,
    ID_4,
    LAGRANGE_FIRST,
    LAGRANGE_LAST,
    Q_LOOKUP,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_4,
    Q_M,
    Q_R,
    Q_O,
    Q_C,
    Q_L,
    Q_4,
    Q_ARITH,
    Q_RANGE,
    Q_ELLIPTIC,
    Q_MEMORY,
    Q_NNF,
    Q_POSEIDON2_EXTERNAL,
    Q_POSEIDON2_INTERNAL,
    W_L,
    W_R,
    W_O,
    W_4,
    Z_PERM,
    LOOKUP_INVERSES,
    LOOKUP_READ_COUNTS,
    LOOKUP_READ_TAGS,
    W_L_SHIFT,
    W_R_SHIFT,
    W_O_SHIFT,
    W_4_SHIFT,
    Z_PERM_SHIFT
}

/// A proof of the zero-knowledge flavour over the Keccak transcript; arrays are filled up to the circuit's log size.
struct HonkProof {
    // ZK: Gemini masking polynomial commitment (sent first, right after public inputs)
    G1Point geminiMaskingPoly;
    // Commitments to wire polynomials
    G1Point w1;
    G1Point w2;
    G1Point w3;
    G1Point w4;
    // Commitments to logup witness polynomials
    G1Point lookupReadCounts;
    G1Point lookupReadTags;
    G1Point lookupInverses;
    // Commitment to grand permutation polynomial
    G1Point zPerm;
    G1Point[3] libraCommitments;
    // Sumcheck
    Fr libraSum;
    Fr[UNIVARIATE_LENGTH][MAX_LOG_N] sumcheckUnivariates;
    Fr libraEvaluation;
    Fr[NUMBER_OF_ENTITIES_ZK] sumcheckEvaluations; // Includes gemini_masking_poly eval at index 0
    // Shplemini
    G1Point[MAX_LOG_N - 1] geminiFoldComms;
    Fr[MAX_LOG_N] geminiAEvaluations;
    Fr[4] libraPolyEvals;
    G1Point shplonkQ;
    G1Point kzgQuotient;
}

library HonkProofReader {
    /// Bytes of a proof for a circuit of 2^logN rows.
    function proofBytes(uint256 logN) internal pure returns (uint256) {
        // Commitments: masking, 8 of the witness, 3 of the libra polynomials, logN − 1 folds, two openings.
        uint256 points = 14 + (logN - 1);
        uint256 scalars = PAIRING_POINTS_SIZE +
            logN *
            UNIVARIATE_LENGTH +
            NUMBER_OF_ENTITIES_ZK +
            2 + // sum and claimed evaluation of the libra polynomials
            logN + // evaluations of the folds
            4; // evaluations of the libra polynomials
        return 32 * (2 * points + scalars);
    }

    /// Throws for another length, numbers outside their fields, and anything but zero as pairing points.
    function read(bytes calldata proof, uint256 logN) internal pure returns (HonkProof memory p) {
        require(proof.length == proofBytes(logN), HonkErrors.ProofRefused("length"));
        uint256 offset;
        for (uint256 i = 0; i < PAIRING_POINTS_SIZE; i++) {
            require(_word(proof, offset) == 0, HonkErrors.ProofRefused("recursion"));
            offset += 32;
        }
        (p.geminiMaskingPoly, offset) = _point(proof, offset);
        (p.w1, offset) = _point(proof, offset);
        (p.w2, offset) = _point(proof, offset);
        (p.w3, offset) = _point(proof, offset);
        (p.lookupReadCounts, offset) = _point(proof, offset);
        (p.lookupReadTags, offset) = _point(proof, offset);
        (p.w4, offset) = _point(proof, offset);
        (p.lookupInverses, offset) = _point(proof, offset);
        (p.zPerm, offset) = _point(proof, offset);
        (p.libraCommitments[0], offset) = _point(proof, offset);
        (p.libraSum, offset) = _scalar(proof, offset);
        for (uint256 i = 0; i < logN; i++) {
            for (uint256 j = 0; j < UNIVARIATE_LENGTH; j++) {
                (p.sumcheckUnivariates[i][j], offset) = _scalar(proof, offset);
            }
        }
        for (uint256 i = 0; i < NUMBER_OF_ENTITIES_ZK; i++) (p.sumcheckEvaluations[i], offset) = _scalar(proof, offset);
        (p.libraEvaluation, offset) = _scalar(proof, offset);
        (p.libraCommitments[1], offset) = _point(proof, offset);
        (p.libraCommitments[2], offset) = _point(proof, offset);
        for (uint256 i = 0; i < logN - 1; i++) (p.geminiFoldComms[i], offset) = _point(proof, offset);
        for (uint256 i = 0; i < logN; i++) (p.geminiAEvaluations[i], offset) = _scalar(proof, offset);
        for (uint256 i = 0; i < 4; i++) (p.libraPolyEvals[i], offset) = _scalar(proof, offset);
        (p.shplonkQ, offset) = _point(proof, offset);
        (p.kzgQuotient, offset) = _point(proof, offset);
    }

    function _word(bytes calldata source, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(source.offset, offset))
        }
    }

    function _scalar(bytes calldata proof, uint256 offset) private pure returns (Fr, uint256) {
        return (FrLib.from(_word(proof, offset)), offset + 32);
    }

    /// (0, 0) stands for the point at infinity, as in EIP-196: commitments to polynomials that are zero are that. The
    /// precompiles check that a point is on the curve.
    function _point(bytes calldata source, uint256 offset) private pure returns (G1Point memory point, uint256) {
        point = G1Point(_word(source, offset), _word(source, offset + 32));
        require(point.x < BASE_FIELD_ORDER && point.y < BASE_FIELD_ORDER, HonkErrors.ProofRefused("coordinate-out-of-field"));
        return (point, offset + 64);
    }
}
