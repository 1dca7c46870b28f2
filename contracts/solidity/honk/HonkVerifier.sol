// SPDX-License-Identifier: Apache-2.0
// Derived from the verifier that barretenberg 5.0.0-nightly.20260710 generates, Copyright 2022 Aztec, Apache-2.0.
pragma solidity 0.8.37;

import {
    Fr,
    FrLib,
    HonkErrors,
    MODULUS,
    NUM_SMALL_IPA_OPENING_CLAIMS,
    ONE,
    SMALL_IPA_BOUNDARY_OPENING_IDX,
    SUBGROUP_GENERATOR,
    SUBGROUP_GENERATOR_INVERSE,
    SUBGROUP_SIZE
} from "./HonkField.sol";
import {
    BASE_FIELD_ORDER,
    G1Point,
    HonkProof,
    HonkProofReader,
    MAX_LOG_N,
    NUMBER_OF_ENTITIES,
    NUMBER_TO_BE_SHIFTED,
    NUMBER_UNSHIFTED_ZK,
    NUM_MASKING_POLYNOMIALS,
    PAIRING_POINTS_SIZE,
    UNIVARIATE_LENGTH,
    Wire
} from "./HonkProof.sol";
import {HonkRelations, RelationParameters} from "./HonkRelations.sol";
import {HonkChallenges, HonkTranscript} from "./HonkTranscript.sol";

/// Verifies UltraHonk proofs over BN254 (zero-knowledge flavour, Keccak transcript) of circuits of arithmetic gates, for
/// any key: one contract for all models under one set-up, whose point tau·G2 it is deployed with.
///
/// Against the generated verifier: the key is an argument instead of code; keys with other than arithmetic gates and
/// proofs with recursion are refused, so that their identities are left out; gas for precompiles is bounded.
///
/// A key is 59 words: log2 of the rows, number of public inputs (with 8 for recursion), their offset (5), then 28
/// points (x, y) in the order of `Wire`.
contract HonkVerifier {
    using FrLib for Fr;

    uint256 public constant KEY_BYTES = 59 * 32;
    uint256 private constant KEY_POINTS = 28;
    uint256 private constant KEY_POINTS_OFFSET = 3 * 32;
    /// Rows before the public inputs: four that the sumcheck leaves out, and one of zeros.
    uint256 private constant PUBLIC_INPUTS_OFFSET = 5;
    uint256 private constant LIBRA_COMMITMENTS = 3;
    uint256 private constant SHIFTED_COMMITMENTS_START = 30;
    uint256 private constant PERMUTATION_ARGUMENT_VALUE_SEPARATOR = 1 << 28;

    /// Gas handed to precompiles 6, 7 and 8: a failing one keeps all that it was given.
    uint256 private constant ADD_GAS = 2_000;
    uint256 private constant MUL_GAS = 20_000;
    uint256 private constant PAIRING_GAS = 400_000;

    // tau·G2 as EIP-197 orders it: x imaginary, x real, y imaginary, y real.
    uint256 public immutable tauXImaginary;
    uint256 public immutable tauXReal;
    uint256 public immutable tauYImaginary;
    uint256 public immutable tauYReal;

    /// In memory, since the stack is too small.
    struct Intermediates {
        G1Point[] commitments;
        Fr[] scalars;
        /// To be multiplied by G1's generator.
        Fr constantTermAccumulator;
        Fr batchingChallenge;
        Fr batchedEvaluation;
        Fr posInvertedDenominator;
        Fr negInvertedDenominator;
    }

    constructor(uint256[4] memory tauG2) {
        (tauXImaginary, tauXReal, tauYImaginary, tauYReal) = (tauG2[0], tauG2[1], tauG2[2], tauG2[3]);
    }

    /// Answers true or throws, except for a failed pairing, which answers false. Cost: about two million gas.
    function verify(bytes calldata key, bytes32[] calldata publicInputs, bytes calldata proof)
        external
        view
        returns (bool)
    {
        uint256 logN = _checkKey(key, publicInputs.length);
        HonkProof memory p = HonkProofReader.read(proof, logN);
        HonkTranscript memory t = HonkChallenges.derive(p, publicInputs, uint256(keccak256(key)) % MODULUS, logN);
        t.publicInputsDelta = _publicInputsDelta(publicInputs, t.beta, t.gamma);
        require(_verifySumcheck(p, t), HonkErrors.ProofRefused("sumcheck"));
        return _verifyShplemini(p, key, t);
    }

    function _checkKey(bytes calldata key, uint256 publicInputs) private pure returns (uint256 logN) {
        require(key.length == KEY_BYTES, HonkErrors.KeyRefused("length"));
        logN = _word(key, 0);
        require(logN > 1 && logN <= MAX_LOG_N, HonkErrors.KeyRefused("circuit-size"));
        require(_word(key, 32) == publicInputs + PAIRING_POINTS_SIZE, HonkErrors.KeyRefused("public-inputs"));
        require(_word(key, 64) == PUBLIC_INPUTS_OFFSET, HonkErrors.KeyRefused("not-arithmetic"));
        for (uint256 i = uint256(Wire.Q_LOOKUP); i <= uint256(Wire.TABLE_4); i++) _assertZero(key, i);
        for (uint256 i = uint256(Wire.Q_RANGE); i <= uint256(Wire.Q_POSEIDON2_INTERNAL); i++) _assertZero(key, i);
    }

    function _assertZero(bytes calldata key, uint256 index) private pure {
        G1Point memory point = _keyPoint(key, index);
        require((point.x | point.y) == 0, HonkErrors.KeyRefused("not-arithmetic"));
    }

    function _word(bytes calldata source, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(source.offset, offset))
        }
    }

    /// The precompiles check that it lies on the curve.
    function _keyPoint(bytes calldata key, uint256 index) private pure returns (G1Point memory) {
        uint256 offset = KEY_POINTS_OFFSET + 64 * index;
        return G1Point(_word(key, offset), _word(key, offset + 32));
    }

    /// What the permutation argument owes for the public inputs; those for recursion are zero.
    function _publicInputsDelta(bytes32[] calldata publicInputs, Fr beta, Fr gamma) private view returns (Fr) {
        Fr numerator = ONE;
        Fr denominator = ONE;
        Fr numeratorTerm = gamma + (beta * FrLib.from(PERMUTATION_ARGUMENT_VALUE_SEPARATOR + PUBLIC_INPUTS_OFFSET));
        Fr denominatorTerm = gamma - (beta * FrLib.from(PUBLIC_INPUTS_OFFSET + 1));
        for (uint256 i = 0; i < publicInputs.length + PAIRING_POINTS_SIZE; i++) {
            Fr value = i < publicInputs.length ? FrLib.fromBytes32(publicInputs[i]) : Fr.wrap(0);
            numerator = numerator * (numeratorTerm + value);
            denominator = denominator * (denominatorTerm + value);
            numeratorTerm = numeratorTerm + beta;
            denominatorTerm = denominatorTerm - beta;
        }
        return numerator.div(denominator);
    }

    /// The sum over all rows of the batched identities is what the masks add up to; round by round down to one point.
    function _verifySumcheck(HonkProof memory proof, HonkTranscript memory tp) private pure returns (bool) {
        Fr target = tp.libraChallenge * proof.libraSum;
        Fr powPartialEvaluation = ONE;
        for (uint256 round; round < tp.logN; ++round) {
            Fr[UNIVARIATE_LENGTH] memory univariate = proof.sumcheckUnivariates[round];
            require(univariate[0] + univariate[1] == target, HonkErrors.ProofRefused("sumcheck"));
            Fr challenge = tp.sumCheckUChallenges[round];
            target = _nextTargetSum(univariate, challenge);
            powPartialEvaluation = powPartialEvaluation * (ONE + challenge * (tp.gateChallenges[round] - ONE));
        }
        Fr[NUMBER_OF_ENTITIES] memory evaluations;
        for (uint256 i = 0; i < NUMBER_OF_ENTITIES; i++) {
            evaluations[i] = proof.sumcheckEvaluations[i + NUM_MASKING_POLYNOMIALS];
        }
        Fr sum = HonkRelations.accumulate(
            evaluations,
            RelationParameters(tp.beta, tp.gamma, tp.publicInputsDelta),
            tp.alphas,
            powPartialEvaluation
        );
        // The first four rows are left out: they hold the masks.
        Fr disabled = ONE;
        for (uint256 i = 2; i < tp.logN; i++) disabled = disabled * (ONE - tp.sumCheckUChallenges[i]);
        return sum * (ONE - disabled) + proof.libraEvaluation * tp.libraChallenge == target;
    }

    /// The round's univariate at the challenge, from its values at 0 to 8 (Lagrange).
    function _nextTargetSum(Fr[UNIVARIATE_LENGTH] memory values, Fr challenge) private pure returns (Fr targetSum) {
        // 1 / ∏_{j≠i} (i − j)
        Fr[UNIVARIATE_LENGTH] memory weights = [
            Fr.wrap(0x05877fcb9d7a153d73e29e9e92eca3b0b04b91af096340834a4a27a27242be2c),
            Fr.wrap(0x04285015f560f63e193b50c1ea1c3ad7a5d75ad02e9f6c76f190b8805dea0ea1),
            Fr.wrap(0x09a50eec95c5723b83d888348d5dde3bcfa8364b99aebca854767508af4ccccd),
            Fr.wrap(0x1d1a3099b5a6bbb2b09f354d66c59be588e37bb1465bf7409af50b8291666667),
            Fr.wrap(0x304ecc88e7066da9a5c5775ea22b57c41b3e7be13d118fed75191f5fae400001),
            Fr.wrap(0x1d1a3099b5a6bbb2b09f354d66c59be588e37bb1465bf7409af50b8291666667),
            Fr.wrap(0x09a50eec95c5723b83d888348d5dde3bcfa8364b99aebca854767508af4ccccd),
            Fr.wrap(0x04285015f560f63e193b50c1ea1c3ad7a5d75ad02e9f6c76f190b8805dea0ea1),
            Fr.wrap(0x05877fcb9d7a153d73e29e9e92eca3b0b04b91af096340834a4a27a27242be2c)
        ];
        // ∏_{j>i} (challenge − j)
        Fr[UNIVARIATE_LENGTH] memory above;
        above[UNIVARIATE_LENGTH - 1] = ONE;
        for (uint256 i = UNIVARIATE_LENGTH - 1; i > 0; --i) above[i - 1] = above[i] * (challenge - Fr.wrap(i));
        Fr below = ONE;
        for (uint256 i = 0; i < UNIVARIATE_LENGTH; ++i) {
            targetSum = targetSum + values[i] * weights[i] * below * above[i];
            below = below * (challenge - Fr.wrap(i));
        }
    }

    /// The openings of all commitments at the sumcheck's point, as one: Gemini folds the multilinear claims into
    /// univariate ones, Shplonk batches these, KZG opens the batch.
    function _verifyShplemini(HonkProof memory proof, bytes calldata key, HonkTranscript memory tp)
        private
        view
        returns (bool)
    {
        Fr[] memory powers = _squares(tp.geminiR, tp.logN);
        uint256 terms = NUMBER_UNSHIFTED_ZK + tp.logN + LIBRA_COMMITMENTS + 3;
        Intermediates memory mem;
        mem.scalars = new Fr[](terms);
        mem.commitments = new G1Point[](terms);
        mem.posInvertedDenominator = (tp.shplonkZ - powers[0]).invert();
        mem.negInvertedDenominator = (tp.shplonkZ + powers[0]).invert();
        mem.scalars[0] = ONE;
        mem.commitments[0] = proof.shplonkQ;
        _batchEvaluations(proof, tp, mem);
        _listCommitments(proof, key, mem);
        _batchFolds(proof, tp, powers, mem);
        _batchLibra(proof, tp, mem);
        require(_isConsistent(proof, tp), HonkErrors.ProofRefused("consistency"));

        mem.commitments[terms - 2] = G1Point(1, 2);
        mem.scalars[terms - 2] = mem.constantTermAccumulator;
        mem.commitments[terms - 1] = proof.kzgQuotient;
        mem.scalars[terms - 1] = tp.shplonkZ;
        return _pairing(_batchMul(mem.commitments, mem.scalars), _negated(proof.kzgQuotient));
    }

    /// Scalars of the committed polynomials, −ρⁱ·(1/(z−r) + ν/(z+r)), and −ρⁱ/r·(1/(z−r) − ν/(z+r)) more for those
    /// that are opened shifted too; with them the batched evaluation Σ ρⁱ·claimᵢ.
    function _batchEvaluations(HonkProof memory proof, HonkTranscript memory tp, Intermediates memory mem) private view {
        Fr negative = tp.shplonkNu * mem.negInvertedDenominator;
        Fr unshifted = (mem.posInvertedDenominator + negative).neg();
        Fr shifted = (tp.geminiR.invert() * (mem.posInvertedDenominator - negative)).neg();
        Fr power = ONE;
        for (uint256 i = 0; i < NUMBER_UNSHIFTED_ZK; ++i) {
            mem.scalars[i + 1] = unshifted * power;
            mem.batchedEvaluation = mem.batchedEvaluation + proof.sumcheckEvaluations[i] * power;
            power = power * tp.rho;
        }
        for (uint256 i = 0; i < NUMBER_TO_BE_SHIFTED; ++i) {
            uint256 wire = SHIFTED_COMMITMENTS_START + i;
            mem.scalars[wire] = mem.scalars[wire] + shifted * power;
            mem.batchedEvaluation =
                mem.batchedEvaluation +
                proof.sumcheckEvaluations[NUMBER_UNSHIFTED_ZK + i] *
                power;
            power = power * tp.rho;
        }
    }

    function _listCommitments(HonkProof memory proof, bytes calldata key, Intermediates memory mem) private pure {
        G1Point[] memory commitments = mem.commitments;
        commitments[1] = proof.geminiMaskingPoly;
        for (uint256 i = 0; i < KEY_POINTS; i++) commitments[2 + i] = _keyPoint(key, i);
        commitments[SHIFTED_COMMITMENTS_START] = proof.w1;
        commitments[SHIFTED_COMMITMENTS_START + 1] = proof.w2;
        commitments[SHIFTED_COMMITMENTS_START + 2] = proof.w3;
        commitments[SHIFTED_COMMITMENTS_START + 3] = proof.w4;
        commitments[SHIFTED_COMMITMENTS_START + 4] = proof.zPerm;
        commitments[SHIFTED_COMMITMENTS_START + 5] = proof.lookupInverses;
        commitments[SHIFTED_COMMITMENTS_START + 6] = proof.lookupReadCounts;
        commitments[SHIFTED_COMMITMENTS_START + 7] = proof.lookupReadTags;
    }

    /// The folds' commitments, opened at ±r^(2^i), and what their claimed values add to the constant term.
    function _batchFolds(
        HonkProof memory proof,
        HonkTranscript memory tp,
        Fr[] memory powers,
        Intermediates memory mem
    ) private view {
        Fr[] memory values = _foldPosEvaluations(tp, mem.batchedEvaluation, proof.geminiAEvaluations, powers);
        mem.constantTermAccumulator =
            values[0] *
            mem.posInvertedDenominator +
            proof.geminiAEvaluations[0] *
            tp.shplonkNu *
            mem.negInvertedDenominator;
        Fr[] memory inverses = _shplonkInverses(tp, powers);
        Fr power = tp.shplonkNu.sqr();
        for (uint256 i = 1; i < tp.logN; ++i) {
            Fr positive = power * inverses[2 * i - 2];
            Fr negative = power * tp.shplonkNu * inverses[2 * i - 1];
            mem.scalars[NUMBER_UNSHIFTED_ZK + i] = negative.neg() + positive.neg();
            mem.commitments[NUMBER_UNSHIFTED_ZK + i] = proof.geminiFoldComms[i - 1];
            mem.constantTermAccumulator =
                mem.constantTermAccumulator +
                negative *
                proof.geminiAEvaluations[i] +
                positive *
                values[i];
            power = power * tp.shplonkNu.sqr();
        }
        mem.batchingChallenge = power;
    }

    /// 1/(z − r^(2^i)) and 1/(z + r^(2^i)) for i from 1.
    function _shplonkInverses(HonkTranscript memory tp, Fr[] memory powers) private view returns (Fr[] memory inverses) {
        inverses = new Fr[](2 * (tp.logN - 1));
        for (uint256 i = 1; i < tp.logN; ++i) {
            inverses[2 * i - 2] = tp.shplonkZ - powers[i];
            inverses[2 * i - 1] = tp.shplonkZ + powers[i];
        }
        FrLib.invertAll(inverses);
    }

    /// The masking polynomials of the sumcheck: the concatenation at r; the grand sum at g·r, at r and, where it is
    /// zero, at 1; the quotient at r.
    function _batchLibra(HonkProof memory proof, HonkTranscript memory tp, Intermediates memory mem) private view {
        Fr inverse = ONE.div(tp.shplonkZ - tp.geminiR);
        Fr[NUM_SMALL_IPA_OPENING_CLAIMS] memory denominators = [
            inverse,
            ONE.div(tp.shplonkZ - SUBGROUP_GENERATOR * tp.geminiR),
            inverse,
            ONE.div(tp.shplonkZ - ONE),
            inverse
        ];
        Fr[NUM_SMALL_IPA_OPENING_CLAIMS] memory scalars;
        uint256 claim;
        for (uint256 i = 0; i < NUM_SMALL_IPA_OPENING_CLAIMS; i++) {
            Fr factor = denominators[i] * mem.batchingChallenge;
            scalars[i] = factor.neg();
            mem.batchingChallenge = mem.batchingChallenge * tp.shplonkNu;
            if (i == SMALL_IPA_BOUNDARY_OPENING_IDX) continue;
            mem.constantTermAccumulator = mem.constantTermAccumulator + factor * proof.libraPolyEvals[claim++];
        }
        uint256 first = NUMBER_UNSHIFTED_ZK + tp.logN;
        mem.scalars[first] = scalars[0];
        mem.scalars[first + 1] = scalars[1] + scalars[2] + scalars[SMALL_IPA_BOUNDARY_OPENING_IDX];
        mem.scalars[first + 2] = scalars[NUM_SMALL_IPA_OPENING_CLAIMS - 1];
        for (uint256 i = 0; i < LIBRA_COMMITMENTS; i++) mem.commitments[first + i] = proof.libraCommitments[i];
    }

    /// Evaluations of the folds at r^(2^i), from the last down.
    function _foldPosEvaluations(
        HonkTranscript memory tp,
        Fr accumulator,
        Fr[MAX_LOG_N] memory geminiEvaluations,
        Fr[] memory powers
    ) private view returns (Fr[] memory values) {
        Fr[] memory inverses = new Fr[](tp.logN);
        for (uint256 i = 0; i < tp.logN; ++i) {
            Fr u = tp.sumCheckUChallenges[i];
            inverses[i] = powers[i] * (ONE - u) + u;
        }
        FrLib.invertAll(inverses);
        values = new Fr[](tp.logN);
        for (uint256 i = tp.logN; i > 0; --i) {
            Fr u = tp.sumCheckUChallenges[i - 1];
            Fr power = powers[i - 1];
            Fr numerator = (power * accumulator * Fr.wrap(2)) - geminiEvaluations[i - 1] * (power * (ONE - u) - u);
            accumulator = numerator * inverses[i - 1];
            values[i - 1] = accumulator;
        }
    }

    /// r^(2^i)
    function _squares(Fr r, uint256 count) private pure returns (Fr[] memory squares) {
        squares = new Fr[](count);
        squares[0] = r;
        for (uint256 i = 1; i < count; ++i) squares[i] = squares[i - 1].sqr();
    }

    /// The inner product of the masks' coefficients with the sumcheck's challenges is the claimed evaluation: an
    /// argument over a subgroup of 256 elements, checked at r.
    function _isConsistent(HonkProof memory proof, HonkTranscript memory tp) private view returns (bool) {
        Fr r = tp.geminiR;
        Fr vanishing = r.pow(SUBGROUP_SIZE) - ONE;
        require(vanishing != Fr.wrap(0), HonkErrors.ProofRefused("challenge-in-subgroup"));
        Fr[] memory inverses = new Fr[](SUBGROUP_SIZE);
        Fr root = ONE;
        for (uint256 i = 0; i < SUBGROUP_SIZE; i++) {
            inverses[i] = root * r - ONE;
            root = root * SUBGROUP_GENERATOR_INVERSE;
        }
        FrLib.invertAll(inverses);
        Fr numerator = vanishing * Fr.wrap(SUBGROUP_SIZE).invert();
        Fr[4] memory claims = proof.libraPolyEvals;
        Fr difference = claims[1] - claims[2] - claims[0] * _challengePolynomial(tp, inverses) * numerator;
        difference = difference * (r - SUBGROUP_GENERATOR_INVERSE) - vanishing * claims[3];
        difference = difference + inverses[0] * numerator * claims[2];
        difference = difference + inverses[SUBGROUP_SIZE - 1] * numerator * (claims[2] - proof.libraEvaluation);
        return difference == Fr.wrap(0);
    }

    /// Σ coefficientᵢ · inverseᵢ; the coefficients are 1, then 1, u, …, u^8 for each round's challenge u, then zeros.
    function _challengePolynomial(HonkTranscript memory tp, Fr[] memory inverses) private pure returns (Fr sum) {
        sum = inverses[0];
        for (uint256 round = 0; round < tp.logN; round++) {
            Fr coefficient = ONE;
            for (uint256 i = 1 + UNIVARIATE_LENGTH * round; i <= UNIVARIATE_LENGTH * (round + 1); i++) {
                sum = sum + coefficient * inverses[i];
                coefficient = coefficient * tp.sumCheckUChallenges[round];
            }
        }
    }

    /// Σ scalar · point. Commitments may be the point at infinity: one put in place of another fails the sumcheck.
    function _batchMul(G1Point[] memory points, Fr[] memory scalars) private view returns (G1Point memory sum) {
        bool success = true;
        uint256 count = points.length;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0)
            mstore(add(free, 0x20), 0)
            for { let i := 1 } lt(i, add(count, 1)) { i := add(i, 1) } {
                let point := mload(add(points, mul(i, 0x20)))
                mstore(add(free, 0x40), mload(point))
                mstore(add(free, 0x60), mload(add(point, 0x20)))
                mstore(add(free, 0x80), mload(add(scalars, mul(i, 0x20))))
                success := and(success, staticcall(MUL_GAS, 7, add(free, 0x40), 0x60, add(free, 0x40), 0x40))
                success := and(success, staticcall(ADD_GAS, 6, free, 0x80, free, 0x40))
            }
            mstore(sum, mload(free))
            mstore(add(sum, 0x20), mload(add(free, 0x20)))
        }
        require(success, HonkErrors.ProofRefused("precompile"));
    }

    function _negated(G1Point memory point) private pure returns (G1Point memory) {
        return G1Point(point.x, point.y == 0 ? 0 : BASE_FIELD_ORDER - point.y);
    }

    /// e(left, G2) · e(right, tau·G2) = 1.
    function _pairing(G1Point memory left, G1Point memory right) private view returns (bool) {
        bytes memory input = abi.encodePacked(
            left.x,
            left.y,
            uint256(0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2),
            uint256(0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed),
            uint256(0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b),
            uint256(0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa),
            right.x,
            right.y,
            tauXImaginary,
            tauXReal,
            tauYImaginary,
            tauYReal
        );
        (bool success, bytes memory result) = address(0x08).staticcall{gas: PAIRING_GAS}(input);
        return success && result.length == 32 && abi.decode(result, (bool));
    }
}
