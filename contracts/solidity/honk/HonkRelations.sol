// SPDX-License-Identifier: Apache-2.0
// Derived from the verifier that barretenberg 5.0.0-nightly.20260710 generates, Copyright 2022 Aztec, Apache-2.0.
pragma solidity 0.8.37;

import {Fr, HonkErrors, ONE} from "./HonkField.sol";
import {NUMBER_OF_ALPHAS, NUMBER_OF_ENTITIES, NUMBER_OF_SUBRELATIONS, Wire} from "./HonkProof.sol";

struct RelationParameters {
    Fr beta;
    Fr gamma;
    Fr publicInputsDelta;
}

/// The identities that hold in every row of a circuit of arithmetic gates. Keys with any other gate are refused: their
/// selectors are commitments to zero, so that their claimed evaluations must be zero, and with them their identities.
library HonkRelations {
    uint256 private constant NEG_HALF_MODULO_P = 0x183227397098d014dc2822db40c0ac2e9419f4243cdcb848a1f0fac9f8000000;

    /// All subrelations at the challenge point, batched with powers of alpha. Throws `SelectorNotZero`.
    function accumulate(
        Fr[NUMBER_OF_ENTITIES] memory evaluations,
        RelationParameters memory parameters,
        Fr[NUMBER_OF_ALPHAS] memory alphas,
        Fr powPartialEvaluation
    ) internal pure returns (Fr accumulator) {
        _assertArithmeticOnly(evaluations);
        Fr[NUMBER_OF_SUBRELATIONS] memory sums;
        accumulateArithmeticRelation(evaluations, sums, powPartialEvaluation);
        accumulatePermutationRelation(evaluations, parameters, sums, powPartialEvaluation);
        accumulateLogDerivativeLookupRelation(evaluations, parameters, sums, powPartialEvaluation);
        accumulator = sums[0];
        for (uint256 i = 1; i < NUMBER_OF_SUBRELATIONS; ++i) accumulator = accumulator + sums[i] * alphas[i - 1];
    }

    function _assertArithmeticOnly(Fr[NUMBER_OF_ENTITIES] memory p) private pure {
        uint256 any = Fr.unwrap(wire(p, Wire.Q_LOOKUP));
        for (uint256 i = uint256(Wire.TABLE_1); i <= uint256(Wire.TABLE_4); i++) any |= Fr.unwrap(p[i]);
        for (uint256 i = uint256(Wire.Q_RANGE); i <= uint256(Wire.Q_POSEIDON2_INTERNAL); i++) any |= Fr.unwrap(p[i]);
        require(any == 0, HonkErrors.ProofRefused("selector-not-zero"));
    }

    function wire(Fr[NUMBER_OF_ENTITIES] memory p, Wire which) internal pure returns (Fr) {
        return p[uint256(which)];
    }

    function accumulateArithmeticRelation(
        Fr[NUMBER_OF_ENTITIES] memory p,
        Fr[NUMBER_OF_SUBRELATIONS] memory evals,
        Fr domainSep
    ) internal pure {
        // Relation 0
        Fr q_arith = wire(p, Wire.Q_ARITH);
        {
            Fr neg_half = Fr.wrap(NEG_HALF_MODULO_P);

            Fr accum = (q_arith - Fr.wrap(3)) * (wire(p, Wire.Q_M) * wire(p, Wire.W_R) * wire(p, Wire.W_L)) * neg_half;
            accum = accum + (wire(p, Wire.Q_L) * wire(p, Wire.W_L)) + (wire(p, Wire.Q_R) * wire(p, Wire.W_R))
                + (wire(p, Wire.Q_O) * wire(p, Wire.W_O)) + (wire(p, Wire.Q_4) * wire(p, Wire.W_4)) + wire(p, Wire.Q_C);
            accum = accum + (q_arith - ONE) * wire(p, Wire.W_4_SHIFT);
            accum = accum * q_arith;
            accum = accum * domainSep;
            evals[6] = accum;
        }

        // Relation 1
        {
            Fr accum = wire(p, Wire.W_L) + wire(p, Wire.W_4) - wire(p, Wire.W_L_SHIFT) + wire(p, Wire.Q_M);
            accum = accum * (q_arith - Fr.wrap(2));
            accum = accum * (q_arith - ONE);
            accum = accum * q_arith;
            accum = accum * domainSep;
            evals[7] = accum;
        }
    }

    function accumulatePermutationRelation(
        Fr[NUMBER_OF_ENTITIES] memory p,
        RelationParameters memory rp,
        Fr[NUMBER_OF_SUBRELATIONS] memory evals,
        Fr domainSep
    ) internal pure {
        Fr grand_product_numerator;
        Fr grand_product_denominator;

        {
            Fr num = wire(p, Wire.W_L) + wire(p, Wire.ID_1) * rp.beta + rp.gamma;
            num = num * (wire(p, Wire.W_R) + wire(p, Wire.ID_2) * rp.beta + rp.gamma);
            num = num * (wire(p, Wire.W_O) + wire(p, Wire.ID_3) * rp.beta + rp.gamma);
            num = num * (wire(p, Wire.W_4) + wire(p, Wire.ID_4) * rp.beta + rp.gamma);

            grand_product_numerator = num;
        }
        {
            Fr den = wire(p, Wire.W_L) + wire(p, Wire.SIGMA_1) * rp.beta + rp.gamma;
            den = den * (wire(p, Wire.W_R) + wire(p, Wire.SIGMA_2) * rp.beta + rp.gamma);
            den = den * (wire(p, Wire.W_O) + wire(p, Wire.SIGMA_3) * rp.beta + rp.gamma);
            den = den * (wire(p, Wire.W_4) + wire(p, Wire.SIGMA_4) * rp.beta + rp.gamma);

            grand_product_denominator = den;
        }

        // Contribution 2
        {
            Fr acc = (wire(p, Wire.Z_PERM) + wire(p, Wire.LAGRANGE_FIRST)) * grand_product_numerator;

            acc = acc
                - ((wire(p, Wire.Z_PERM_SHIFT) + (wire(p, Wire.LAGRANGE_LAST) * rp.publicInputsDelta))
                    * grand_product_denominator);
            acc = acc * domainSep;
            evals[0] = acc;
        }

        // Contribution 3
        {
            Fr acc = (wire(p, Wire.LAGRANGE_LAST) * wire(p, Wire.Z_PERM_SHIFT)) * domainSep;
            evals[1] = acc;
        }

        // Contribution 4: z_perm initialization check (lagrange_first * z_perm = 0)
        {
            Fr acc = (wire(p, Wire.LAGRANGE_FIRST) * wire(p, Wire.Z_PERM)) * domainSep;
            evals[2] = acc;
        }
    }

    function accumulateLogDerivativeLookupRelation(
        Fr[NUMBER_OF_ENTITIES] memory p,
        RelationParameters memory rp,
        Fr[NUMBER_OF_SUBRELATIONS] memory evals,
        Fr domainSep
    ) internal pure {
        Fr table_term;
        Fr lookup_term;

        // Calculate the write term (the table accumulation)
        // table_term = table_1 + γ + table_2 * β + table_3 * β² + table_4 * β³
        {
            Fr beta_sqr = rp.beta * rp.beta;
            table_term = wire(p, Wire.TABLE_1) + rp.gamma + (wire(p, Wire.TABLE_2) * rp.beta)
                + (wire(p, Wire.TABLE_3) * beta_sqr) + (wire(p, Wire.TABLE_4) * beta_sqr * rp.beta);
        }

        // Calculate the read term
        // lookup_term = derived_entry_1 + γ + derived_entry_2 * β + derived_entry_3 * β² + q_index * β³
        {
            Fr beta_sqr = rp.beta * rp.beta;
            Fr derived_entry_1 = wire(p, Wire.W_L) + rp.gamma + (wire(p, Wire.Q_R) * wire(p, Wire.W_L_SHIFT));
            Fr derived_entry_2 = wire(p, Wire.W_R) + wire(p, Wire.Q_M) * wire(p, Wire.W_R_SHIFT);
            Fr derived_entry_3 = wire(p, Wire.W_O) + wire(p, Wire.Q_C) * wire(p, Wire.W_O_SHIFT);

            lookup_term = derived_entry_1 + (derived_entry_2 * rp.beta) + (derived_entry_3 * beta_sqr)
                + (wire(p, Wire.Q_O) * beta_sqr * rp.beta);
        }

        Fr lookup_inverse = wire(p, Wire.LOOKUP_INVERSES) * table_term;
        Fr table_inverse = wire(p, Wire.LOOKUP_INVERSES) * lookup_term;

        Fr inverse_exists_xor =
        wire(p, Wire.LOOKUP_READ_TAGS) + wire(p, Wire.Q_LOOKUP)
            - (wire(p, Wire.LOOKUP_READ_TAGS) * wire(p, Wire.Q_LOOKUP));

        // Inverse calculated correctly relation
        Fr accumulatorNone = lookup_term * table_term * wire(p, Wire.LOOKUP_INVERSES) - inverse_exists_xor;
        accumulatorNone = accumulatorNone * domainSep;

        // Inverse
        Fr accumulatorOne = wire(p, Wire.Q_LOOKUP) * lookup_inverse - wire(p, Wire.LOOKUP_READ_COUNTS) * table_inverse;

        Fr read_tag = wire(p, Wire.LOOKUP_READ_TAGS);

        Fr read_tag_boolean_relation = read_tag * read_tag - read_tag;

        evals[3] = accumulatorNone;
        evals[4] = accumulatorOne;
        evals[5] = read_tag_boolean_relation * domainSep;
    }
}
