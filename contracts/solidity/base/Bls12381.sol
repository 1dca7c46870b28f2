// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Verifies BLS12-381 signatures with public keys in G1 and signatures in G2, as draft-irtf-cfrg-bls-signature-05 with the
/// hash to curve of RFC 9380 (BLS12381G2_XMD:SHA-256_SSWU_RO), by the precompiles of EIP-2537.
/// Points are in that EIP's encoding: G1 128 bytes, G2 256 bytes; the pairing precompile checks curve and subgroup.
library Bls12381 {
    bytes internal constant MESSAGE_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    bytes internal constant POSSESSION_DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    address private constant MODEXP = address(0x05);
    address private constant G2_ADD = address(0x0d);
    address private constant PAIRING = address(0x0f);
    address private constant MAP_FP2_TO_G2 = address(0x11);

    /// The field's modulus, 48 bytes.
    bytes private constant MODULUS =
        hex"1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
    /// (modulus - 1) / 2, as the 16 high and the 32 low bytes.
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;
    bytes private constant NEGATED_GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca";

    error PointLength(uint256 bytesGiven, uint256 bytesNeeded);
    error PointAtInfinity();
    error PrecompileFailed(address precompile);

    /// Whether `signature` is the key's over `message` under a domain. Reverts for malformed points.
    function verify(
        bytes memory publicKey,
        bytes memory message,
        bytes memory domain,
        bytes memory signature
    ) internal view returns (bool) {
        requireKey(publicKey);
        if (signature.length != 256) revert PointLength(signature.length, 256);
        bytes memory pairs = bytes.concat(publicKey, hashToG2(message, domain), NEGATED_GENERATOR, signature);
        return abi.decode(_call(PAIRING, pairs), (uint256)) == 1;
    }

    /// Refuses keys of another length and the identity, whose signatures anybody makes.
    function requireKey(bytes memory publicKey) internal pure {
        if (publicKey.length != 128) revert PointLength(publicKey.length, 128);
        (uint256 a, uint256 b, uint256 c, uint256 d) = abi.decode(publicKey, (uint256, uint256, uint256, uint256));
        if (a | b | c | d == 0) revert PointAtInfinity();
    }

    /// The key's 48 bytes as they travel: the abscissa with flags for compression and for the greater ordinate.
    function compress(bytes memory publicKey) internal pure returns (bytes memory) {
        (uint256 xHigh, uint256 xLow, uint256 yHigh, uint256 yLow) = abi.decode(
            publicKey,
            (uint256, uint256, uint256, uint256)
        );
        bool isGreater = yHigh > HALF_HIGH || (yHigh == HALF_HIGH && yLow > HALF_LOW);
        uint256 flags = uint256(isGreater ? 0xa0 : 0x80) << 120;
        return abi.encodePacked(uint128(xHigh | flags), xLow);
    }

    function hashToG2(bytes memory message, bytes memory domain) internal view returns (bytes memory) {
        bytes memory uniform = _expand(message, domain);
        return _call(G2_ADD, bytes.concat(_mapToG2(uniform, 0), _mapToG2(uniform, 128)));
    }

    /// expand_message_xmd of RFC 9380, section 5.3.1, to 256 bytes.
    function _expand(bytes memory message, bytes memory domain) private pure returns (bytes memory uniform) {
        bytes memory suffix = abi.encodePacked(domain, uint8(domain.length));
        bytes32 first = sha256(abi.encodePacked(new bytes(64), message, uint16(256), uint8(0), suffix));
        bytes32 block_ = sha256(abi.encodePacked(first, uint8(1), suffix));
        uniform = abi.encodePacked(block_);
        for (uint8 index = 2; index <= 8; index++) {
            block_ = sha256(abi.encodePacked(first ^ block_, index, suffix));
            uniform = abi.encodePacked(uniform, block_);
        }
    }

    /// Maps two elements of 64 bytes from `offset` on, reduced by the modulus.
    function _mapToG2(bytes memory uniform, uint256 offset) private view returns (bytes memory) {
        return _call(MAP_FP2_TO_G2, bytes.concat(_reduce(uniform, offset), _reduce(uniform, offset + 64)));
    }

    function _reduce(bytes memory uniform, uint256 offset) private view returns (bytes memory) {
        bytes32 high;
        bytes32 low;
        assembly ("memory-safe") {
            high := mload(add(add(uniform, 32), offset))
            low := mload(add(add(uniform, 64), offset))
        }
        bytes memory input = abi.encodePacked(uint256(64), uint256(1), uint256(48), high, low, uint8(1), MODULUS);
        return abi.encodePacked(uint128(0), _call(MODEXP, input));
    }

    function _call(address precompile, bytes memory input) private view returns (bytes memory) {
        (bool succeeded, bytes memory output) = precompile.staticcall(input);
        if (!succeeded || output.length == 0) revert PrecompileFailed(precompile);
        return output;
    }
}
