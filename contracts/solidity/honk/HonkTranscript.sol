// SPDX-License-Identifier: Apache-2.0
// Derived from the verifier that barretenberg 5.0.0-nightly.20260710 generates, Copyright 2022 Aztec, Apache-2.0.
pragma solidity 0.8.37;

import {Fr, FrLib, HonkErrors, MODULUS} from "./HonkField.sol";
import {
    HonkProof,
    MAX_LOG_N,
    NUMBER_OF_ALPHAS,
    NUMBER_OF_ENTITIES_ZK,
    PAIRING_POINTS_SIZE,
    UNIVARIATE_LENGTH
} from "./HonkProof.sol";

/// The verifier's challenges: Fiat–Shamir over Keccak-256.
struct HonkTranscript {
    /// log2 of the circuit's rows.
    uint256 logN;
    Fr beta;
    Fr gamma;
    /// What the permutation argument owes for the public inputs; filled in by the verifier.
    Fr publicInputsDelta;
    Fr[NUMBER_OF_ALPHAS] alphas;
    Fr[MAX_LOG_N] gateChallenges;
    Fr libraChallenge;
    Fr[MAX_LOG_N] sumCheckUChallenges;
    Fr rho;
    Fr geminiR;
    Fr shplonkNu;
    Fr shplonkZ;
}

library HonkChallenges {
    function derive(HonkProof memory proof, bytes32[] calldata publicInputs, uint256 keyHash, uint256 logN)
        internal
        pure
        returns (HonkTranscript memory t)
    {
        t.logN = logN;
        Fr previousChallenge;
        // Eta belongs to memory gates, of which there are none: only what follows it counts.
        (, previousChallenge) = generateEtaChallenge(proof, publicInputs, keyHash);
        (t.beta, t.gamma, previousChallenge) = generateBetaGammaChallenges(previousChallenge, proof);
        (t.alphas, previousChallenge) = generateAlphaChallenges(previousChallenge, proof);
        (t.gateChallenges, previousChallenge) = generateGateChallenges(previousChallenge, logN);
        (t.libraChallenge, previousChallenge) = generateLibraChallenge(previousChallenge, proof);
        (t.sumCheckUChallenges, previousChallenge) = generateSumcheckChallenges(proof, previousChallenge, logN);
        (t.rho, previousChallenge) = generateRhoChallenge(proof, previousChallenge);
        (t.geminiR, previousChallenge) = generateGeminiRChallenge(proof, previousChallenge, logN);
        (t.shplonkNu, previousChallenge) = generateShplonkNuChallenge(proof, previousChallenge, logN);
        (t.shplonkZ,) = generateShplonkZChallenge(proof, previousChallenge);
    }

    function splitChallenge(Fr challenge) internal pure returns (Fr first, Fr second) {
        uint256 challengeU256 = Fr.unwrap(challenge);
        // Split into two equal 127-bit chunks (254/2)
        uint256 lo = challengeU256 & 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF; // 127 bits
        uint256 hi = challengeU256 >> 127;
        first = FrLib.from(lo);
        second = FrLib.from(hi);
    }

    /// Binds the key, the public inputs and the first commitments. The pairing points among the public inputs are zero.
    function generateEtaChallenge(HonkProof memory proof, bytes32[] calldata publicInputs, uint256 keyHash)
        internal
        pure
        returns (Fr eta, Fr previousChallenge)
    {
        uint256 first = 1 + publicInputs.length + PAIRING_POINTS_SIZE;
        uint256[] memory round0 = new uint256[](first + 8);
        round0[0] = keyHash;
        for (uint256 i = 0; i < publicInputs.length; i++) {
            require(uint256(publicInputs[i]) < MODULUS, HonkErrors.ProofRefused("scalar-out-of-field"));
            round0[1 + i] = uint256(publicInputs[i]);
        }
        (round0[first], round0[first + 1]) = (proof.geminiMaskingPoly.x, proof.geminiMaskingPoly.y);
        (round0[first + 2], round0[first + 3]) = (proof.w1.x, proof.w1.y);
        (round0[first + 4], round0[first + 5]) = (proof.w2.x, proof.w2.y);
        (round0[first + 6], round0[first + 7]) = (proof.w3.x, proof.w3.y);
        previousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(round0))) % MODULUS);
        (eta,) = splitChallenge(previousChallenge);
    }

    function generateBetaGammaChallenges(Fr previousChallenge, HonkProof memory proof)
        internal
        pure
        returns (Fr beta, Fr gamma, Fr nextPreviousChallenge)
    {
        bytes32[7] memory round1;
        round1[0] = FrLib.toBytes32(previousChallenge);
        round1[1] = bytes32(proof.lookupReadCounts.x);
        round1[2] = bytes32(proof.lookupReadCounts.y);
        round1[3] = bytes32(proof.lookupReadTags.x);
        round1[4] = bytes32(proof.lookupReadTags.y);
        round1[5] = bytes32(proof.w4.x);
        round1[6] = bytes32(proof.w4.y);

        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(round1))) % MODULUS);
        (beta, gamma) = splitChallenge(nextPreviousChallenge);
    }

    // Alpha challenges non-linearise the gate contributions
    function generateAlphaChallenges(Fr previousChallenge, HonkProof memory proof)
        internal
        pure
        returns (Fr[NUMBER_OF_ALPHAS] memory alphas, Fr nextPreviousChallenge)
    {
        // Generate the original sumcheck alpha 0 by hashing zPerm and zLookup
        uint256[5] memory alpha0;
        alpha0[0] = Fr.unwrap(previousChallenge);
        alpha0[1] = proof.lookupInverses.x;
        alpha0[2] = proof.lookupInverses.y;
        alpha0[3] = proof.zPerm.x;
        alpha0[4] = proof.zPerm.y;

        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(alpha0))) % MODULUS);
        Fr alpha;
        (alpha,) = splitChallenge(nextPreviousChallenge);

        alphas[0] = alpha;
        for (uint256 i = 1; i < NUMBER_OF_ALPHAS; i++) {
            alphas[i] = alphas[i - 1] * alpha;
        }
    }

    function generateGateChallenges(Fr previousChallenge, uint256 logN)
        internal
        pure
        returns (Fr[MAX_LOG_N] memory gateChallenges, Fr nextPreviousChallenge)
    {
        previousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(Fr.unwrap(previousChallenge)))) % MODULUS);
        (gateChallenges[0],) = splitChallenge(previousChallenge);
        for (uint256 i = 1; i < logN; i++) {
            gateChallenges[i] = gateChallenges[i - 1] * gateChallenges[i - 1];
        }
        nextPreviousChallenge = previousChallenge;
    }

    function generateLibraChallenge(Fr previousChallenge, HonkProof memory proof)
        internal
        pure
        returns (Fr libraChallenge, Fr nextPreviousChallenge)
    {
        // 2 comm, 1 sum, 1 challenge
        uint256[4] memory challengeData;
        challengeData[0] = Fr.unwrap(previousChallenge);
        challengeData[1] = proof.libraCommitments[0].x;
        challengeData[2] = proof.libraCommitments[0].y;
        challengeData[3] = Fr.unwrap(proof.libraSum);
        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(challengeData))) % MODULUS);
        (libraChallenge,) = splitChallenge(nextPreviousChallenge);
    }

    function generateSumcheckChallenges(HonkProof memory proof, Fr prevChallenge, uint256 logN)
        internal
        pure
        returns (Fr[MAX_LOG_N] memory sumcheckChallenges, Fr nextPreviousChallenge)
    {
        for (uint256 i = 0; i < logN; i++) {
            Fr[UNIVARIATE_LENGTH + 1] memory univariateChal;
            univariateChal[0] = prevChallenge;

            for (uint256 j = 0; j < UNIVARIATE_LENGTH; j++) {
                univariateChal[j + 1] = proof.sumcheckUnivariates[i][j];
            }
            prevChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(univariateChal))) % MODULUS);

            (sumcheckChallenges[i],) = splitChallenge(prevChallenge);
        }
        nextPreviousChallenge = prevChallenge;
    }

    // We add Libra claimed eval + 2 libra commitments (grand_sum, quotient)
    function generateRhoChallenge(HonkProof memory proof, Fr prevChallenge)
        internal
        pure
        returns (Fr rho, Fr nextPreviousChallenge)
    {
        uint256[NUMBER_OF_ENTITIES_ZK + 6] memory rhoChallengeElements;
        rhoChallengeElements[0] = Fr.unwrap(prevChallenge);
        uint256 i;
        for (i = 1; i <= NUMBER_OF_ENTITIES_ZK; i++) {
            rhoChallengeElements[i] = Fr.unwrap(proof.sumcheckEvaluations[i - 1]);
        }
        rhoChallengeElements[i] = Fr.unwrap(proof.libraEvaluation);
        i += 1;
        rhoChallengeElements[i] = proof.libraCommitments[1].x;
        rhoChallengeElements[i + 1] = proof.libraCommitments[1].y;
        i += 2;
        rhoChallengeElements[i] = proof.libraCommitments[2].x;
        rhoChallengeElements[i + 1] = proof.libraCommitments[2].y;

        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(rhoChallengeElements))) % MODULUS);
        (rho,) = splitChallenge(nextPreviousChallenge);
    }

    function generateGeminiRChallenge(HonkProof memory proof, Fr prevChallenge, uint256 logN)
        internal
        pure
        returns (Fr geminiR, Fr nextPreviousChallenge)
    {
        uint256[] memory gR = new uint256[]((logN - 1) * 2 + 1);
        gR[0] = Fr.unwrap(prevChallenge);

        for (uint256 i = 0; i < logN - 1; i++) {
            gR[1 + i * 2] = proof.geminiFoldComms[i].x;
            gR[2 + i * 2] = proof.geminiFoldComms[i].y;
        }

        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(gR))) % MODULUS);

        (geminiR,) = splitChallenge(nextPreviousChallenge);
    }

    function generateShplonkNuChallenge(HonkProof memory proof, Fr prevChallenge, uint256 logN)
        internal
        pure
        returns (Fr shplonkNu, Fr nextPreviousChallenge)
    {
        uint256[] memory shplonkNuChallengeElements = new uint256[](logN + 1 + 4);
        shplonkNuChallengeElements[0] = Fr.unwrap(prevChallenge);

        for (uint256 i = 1; i <= logN; i++) {
            shplonkNuChallengeElements[i] = Fr.unwrap(proof.geminiAEvaluations[i - 1]);
        }

        uint256 libraIdx = 0;
        for (uint256 i = logN + 1; i <= logN + 4; i++) {
            shplonkNuChallengeElements[i] = Fr.unwrap(proof.libraPolyEvals[libraIdx]);
            libraIdx++;
        }

        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(shplonkNuChallengeElements))) % MODULUS);
        (shplonkNu,) = splitChallenge(nextPreviousChallenge);
    }

    function generateShplonkZChallenge(HonkProof memory proof, Fr prevChallenge)
        internal
        pure
        returns (Fr shplonkZ, Fr nextPreviousChallenge)
    {
        uint256[3] memory shplonkZChallengeElements;
        shplonkZChallengeElements[0] = Fr.unwrap(prevChallenge);

        shplonkZChallengeElements[1] = proof.shplonkQ.x;
        shplonkZChallengeElements[2] = proof.shplonkQ.y;

        nextPreviousChallenge = FrLib.from(uint256(keccak256(abi.encodePacked(shplonkZChallengeElements))) % MODULUS);
        (shplonkZ,) = splitChallenge(nextPreviousChallenge);
    }
}
