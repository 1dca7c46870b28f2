// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// The bytes that honor nodes sign, as `cores/finality` and `cores/honor-node` write them.
library FinalityMessages {
    /// What a node said in one step.
    enum Kind {
        Proposal,
        Prevote,
        Precommit
    }

    struct Step {
        Kind kind;
        uint64 height;
        uint64 round;
    }

    struct Statement {
        /// Id of the checkpoint; zero for none, which a proposal cannot say.
        bytes32 checkpointId;
        /// Of a proposal: the round whose prevotes made it valid, -1 for a new one. Otherwise 0.
        int64 validRound;
    }

    /// A maker's claim on a tick.
    struct Tick {
        uint64 setNumber;
        uint64 seat;
        uint64 tick;
    }

    /// The name that commits to a chain's genesis.
    function chainName(uint256 chainId, bytes32 digest) internal pure returns (string memory) {
        return string(abi.encodePacked("aios:", Strings.toString(chainId), ":", _hex(digest)));
    }

    function statementBytes(
        string memory chain,
        Step memory step,
        Statement memory statement
    ) internal pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(
            'aios.finality.v1\n["',
            chain,
            '","',
            _name(step.kind),
            '",',
            Strings.toString(step.height),
            ",",
            Strings.toString(step.round),
            ',"'
        );
        if (step.kind == Kind.Proposal) {
            return
                abi.encodePacked(
                    head,
                    _hex(statement.checkpointId),
                    '",',
                    Strings.toStringSigned(statement.validRound),
                    "]"
                );
        }
        bytes memory content = statement.checkpointId == 0 ? bytes("nil") : _hex(statement.checkpointId);
        return abi.encodePacked(head, content, '"]');
    }

    function claimBytes(
        string memory chain,
        Tick memory tick,
        bytes32 blockId
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                'aios.block-claim.v1\n["',
                chain,
                '",',
                Strings.toString(tick.setNumber),
                ",",
                Strings.toString(tick.seat),
                ",",
                Strings.toString(tick.tick),
                ',"',
                _hex(blockId),
                '"]'
            );
    }

    function _name(Kind kind) private pure returns (string memory) {
        if (kind == Kind.Proposal) return "proposal";
        return kind == Kind.Prevote ? "prevote" : "precommit";
    }

    /// 64 digits without 0x.
    function _hex(bytes32 value) private pure returns (bytes memory digits) {
        bytes16 alphabet = "0123456789abcdef";
        digits = new bytes(64);
        for (uint256 index = 0; index < 32; index++) {
            digits[2 * index] = alphabet[uint8(value[index]) >> 4];
            digits[2 * index + 1] = alphabet[uint8(value[index]) & 15];
        }
    }
}
