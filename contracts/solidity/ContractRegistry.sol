// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {IResultVerifier} from "./interfaces/IResultVerifier.sol";

/// Names the protocol's contracts. An entry, once made, never changes: a new logic is a new version.
/// It deploys them too, by CREATE2, so that an address follows from name, version and code alone.
contract ContractRegistry is Ownable2Step {
    struct Entry {
        string name;
        uint64 version;
    }

    mapping(bytes32 nameHash => address[]) private _versions;
    mapping(address => Entry) private _entries;
    /// Verifiers that `JobEscrow` accepts in orders.
    mapping(address => bool) public isResultVerifier;

    event ContractRegistered(string name, uint64 indexed version, address indexed contractAddress, bool isResultVerifier);

    error NameEmpty();
    error ContractUnknown(string name, uint64 version);
    error VersionOutOfOrder(string name, uint64 given, uint64 expected);
    error AlreadyRegistered(address contractAddress);
    error NotAContract(address contractAddress);

    constructor(address owner) Ownable(owner) {}

    /// Deploys and registers version `version` of `name`, which must be the next one: a repeated call cannot
    /// deploy twice.
    function deploy(
        string calldata name,
        uint64 version,
        bytes calldata initCode
    ) external onlyOwner returns (address deployed) {
        deployed = Create2.deploy(0, _salt(name, version), initCode);
        _register(name, version, deployed);
    }

    /// Registers a contract that something else deployed.
    function register(string calldata name, uint64 version, address contractAddress) external onlyOwner {
        _register(name, version, contractAddress);
    }

    /// The newest version. Reverts with `ContractUnknown`.
    function latest(string calldata name) external view returns (address) {
        address[] storage versions = _versions[keccak256(bytes(name))];
        if (versions.length == 0) revert ContractUnknown(name, 0);
        return versions[versions.length - 1];
    }

    /// Versions count from 1. Reverts with `ContractUnknown`.
    function versionOf(string calldata name, uint64 version) external view returns (address) {
        address[] storage versions = _versions[keccak256(bytes(name))];
        if (version == 0 || version > versions.length) revert ContractUnknown(name, version);
        return versions[version - 1];
    }

    /// 0 where the name is unknown.
    function versionCount(string calldata name) external view returns (uint64) {
        return uint64(_versions[keccak256(bytes(name))].length);
    }

    /// Version 0 where the address is not registered.
    function entryOf(address contractAddress) external view returns (string memory name, uint64 version) {
        Entry storage entry = _entries[contractAddress];
        return (entry.name, entry.version);
    }

    /// Where `deploy` puts this code.
    function predict(string calldata name, uint64 version, bytes32 initCodeHash) external view returns (address) {
        return Create2.computeAddress(_salt(name, version), initCodeHash);
    }

    function _register(string calldata name, uint64 version, address contractAddress) private {
        if (bytes(name).length == 0) revert NameEmpty();
        address[] storage versions = _versions[keccak256(bytes(name))];
        uint64 expected = uint64(versions.length) + 1;
        if (version != expected) revert VersionOutOfOrder(name, version, expected);
        if (_entries[contractAddress].version != 0) revert AlreadyRegistered(contractAddress);
        if (contractAddress.code.length == 0) revert NotAContract(contractAddress);

        versions.push(contractAddress);
        _entries[contractAddress] = Entry(name, version);
        bool verifier = ERC165Checker.supportsInterface(contractAddress, type(IResultVerifier).interfaceId);
        if (verifier) isResultVerifier[contractAddress] = true;
        emit ContractRegistered(name, version, contractAddress, verifier);
    }

    function _salt(string calldata name, uint64 version) private pure returns (bytes32) {
        return keccak256(abi.encode(name, version));
    }
}
