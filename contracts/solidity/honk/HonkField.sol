// SPDX-License-Identifier: Apache-2.0
// Derived from the verifier that barretenberg 5.0.0-nightly.20260710 generates, Copyright 2022 Aztec, Apache-2.0.
pragma solidity 0.8.37;

/// `reason` is short ASCII text such as "sumcheck".
library HonkErrors {
    error KeyRefused(bytes32 reason);
    error ProofRefused(bytes32 reason);
}

type Fr is uint256;

using {add as +} for Fr global;
using {sub as -} for Fr global;
using {mul as *} for Fr global;

using {notEqual as !=} for Fr global;
using {equal as ==} for Fr global;

uint256 constant SUBGROUP_SIZE = 256;
// Order of the group: scalars are below it.
uint256 constant MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
Fr constant SUBGROUP_GENERATOR = Fr.wrap(0x07b0c561a6148404f086204a9f36ffb0617942546750f230c893619174a57a76);
Fr constant SUBGROUP_GENERATOR_INVERSE = Fr.wrap(0x204bd3277422fad364751ad938e2b5e6a54cf8c68712848a692c553d0329f5d6);
Fr constant ONE = Fr.wrap(1);

// Opening claims of the small-subgroup inner product argument, as barretenberg orders them.
uint256 constant NUM_SMALL_IPA_OPENING_CLAIMS = 5;
uint256 constant SMALL_IPA_BOUNDARY_OPENING_IDX = 3;

library FrLib {
    /// Gas handed to the precompile is bounded: a failing one keeps all that it was given.
    uint256 private constant MODEXP_GAS = 20_000;

    function invert(Fr value) internal view returns (Fr) {
        require(Fr.unwrap(value) != 0, HonkErrors.ProofRefused("invert-of-zero"));
        return _modexp(Fr.unwrap(value), MODULUS - 2);
    }

    /// Each value by its inverse, with one exponentiation for all (Montgomery). None may be zero.
    function invertAll(Fr[] memory values) internal view {
        uint256 count = values.length;
        Fr[] memory products = new Fr[](count);
        Fr product = Fr.wrap(1);
        for (uint256 i = 0; i < count; ++i) {
            products[i] = product;
            product = product * values[i];
        }
        Fr inverse = invert(product);
        for (uint256 i = count; i > 0; --i) {
            (values[i - 1], inverse) = (inverse * products[i - 1], inverse * values[i - 1]);
        }
    }

    function pow(Fr base, uint256 exponent) internal view returns (Fr) {
        return _modexp(Fr.unwrap(base), exponent);
    }

    function _modexp(uint256 base, uint256 exponent) private view returns (Fr result) {
        bool success;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0x20)
            mstore(add(free, 0x20), 0x20)
            mstore(add(free, 0x40), 0x20)
            mstore(add(free, 0x60), base)
            mstore(add(free, 0x80), exponent)
            mstore(add(free, 0xa0), MODULUS)
            success := staticcall(MODEXP_GAS, 0x05, free, 0xc0, 0x00, 0x20)
            result := mload(0x00)
        }
        require(success, HonkErrors.ProofRefused("precompile"));
    }

    function div(Fr numerator, Fr denominator) internal view returns (Fr) {
        unchecked {
            return numerator * invert(denominator);
        }
    }

    function sqr(Fr value) internal pure returns (Fr) {
        unchecked {
            return value * value;
        }
    }

    function neg(Fr value) internal pure returns (Fr) {
        unchecked {
            return Fr.wrap(MODULUS - Fr.unwrap(value));
        }
    }

    function from(uint256 value) internal pure returns (Fr) {
        unchecked {
            require(value < MODULUS, HonkErrors.ProofRefused("scalar-out-of-field"));
            return Fr.wrap(value);
        }
    }

    function fromBytes32(bytes32 value) internal pure returns (Fr) {
        unchecked {
            uint256 v = uint256(value);
            require(v < MODULUS, HonkErrors.ProofRefused("scalar-out-of-field"));
            return Fr.wrap(v);
        }
    }

    function toBytes32(Fr value) internal pure returns (bytes32) {
        unchecked {
            return bytes32(Fr.unwrap(value));
        }
    }
}

function add(Fr a, Fr b) pure returns (Fr) {
    unchecked {
        return Fr.wrap(addmod(Fr.unwrap(a), Fr.unwrap(b), MODULUS));
    }
}

function mul(Fr a, Fr b) pure returns (Fr) {
    unchecked {
        return Fr.wrap(mulmod(Fr.unwrap(a), Fr.unwrap(b), MODULUS));
    }
}

function sub(Fr a, Fr b) pure returns (Fr) {
    unchecked {
        return Fr.wrap(addmod(Fr.unwrap(a), MODULUS - Fr.unwrap(b), MODULUS));
    }
}

function notEqual(Fr a, Fr b) pure returns (bool) {
    unchecked {
        return Fr.unwrap(a) != Fr.unwrap(b);
    }
}

function equal(Fr a, Fr b) pure returns (bool) {
    unchecked {
        return Fr.unwrap(a) == Fr.unwrap(b);
    }
}
