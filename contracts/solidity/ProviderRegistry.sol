// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {OneTimeActions} from "./base/OneTimeActions.sol";
import {TokenPermit, TokenPermits} from "./base/TokenPermits.sol";
import {ContractRegistry} from "./ContractRegistry.sol";
import {WrappedAios} from "./WrappedAios.sol";

/// Who may be leased jobs: providers with a stake, what they say they have, and the self-test they signed. A stake is lost only
/// as far as its provider put it at risk, to a proof of the very statement that it named: whoever chooses a model's key could
/// forge such a proof, so nobody but the provider can say that it may cost anything. What is lost is burned: nobody gains.
contract ProviderRegistry is OneTimeActions, ReentrancyGuardTransient {
    using SafeERC20 for WrappedAios;

    struct ProviderRegistration {
        address provider;
        uint256 stakeWei;
        bytes32 capabilitiesHash;
        bytes32 selfTestHash;
        uint256 nonce;
        uint64 deadline;
    }

    struct ProviderRecord {
        uint256 stakeWei;
        bytes32 capabilitiesHash;
        bytes32 selfTestHash;
        uint64 registeredAt;
        /// When the stake may be taken out; 0 while the provider is active.
        uint64 unbondedAt;
    }

    bytes32 public constant REGISTRATION_TYPEHASH =
        keccak256(
            "ProviderRegistration(address provider,uint256 stakeWei,bytes32 capabilitiesHash,bytes32 selfTestHash,uint256 nonce,uint64 deadline)"
        );

    WrappedAios public immutable token;
    ContractRegistry public immutable registry;
    uint256 public immutable minimumStakeWei;
    uint64 public immutable unbondDelaySeconds;
    /// Unix seconds from which an escrow may take stakes; 0 for what is none.
    mapping(address escrow => uint64) public escrowSince;
    uint256 public totalStakedWei;

    mapping(address provider => ProviderRecord) private _providers;
    mapping(address provider => mapping(bytes32 statement => uint128)) private _atRiskWei;

    event ProviderRegistered(
        address indexed provider,
        uint256 stakeWei,
        bytes32 capabilitiesHash,
        bytes32 selfTestHash
    );
    event ProviderUnbonding(address indexed provider, uint256 stakeWei, uint64 unbondedAt);
    event ProviderLeft(address indexed provider, uint256 stakeWei);
    event StakePutAtRisk(
        address indexed provider,
        address indexed verifier,
        bytes32 indexed modelCommitment,
        bytes32 verifyingKeyHash,
        uint256 maximumWei
    );
    /// `stakeWei` is what is left, `active` whether it still suffices to be leased jobs.
    event ProviderSlashed(
        address indexed provider,
        address indexed escrow,
        uint256 burnedWei,
        uint256 stakeWei,
        bool active
    );
    event EscrowAdmittedFrom(address indexed escrow, uint64 since);

    error StakeTooLow(uint256 stakeWei, uint256 minimumWei);
    error ProviderUnknown(address provider);
    error ProviderIsUnbonding(address provider, uint64 unbondedAt);
    error StillBonded(address provider, uint64 unbondedAt, uint256 timestamp);

    error StatementMissing();
    error NotRegistryOwner(address caller);
    error EscrowAdmitted(address escrow, uint64 since);

    constructor(
        WrappedAios token_,
        ContractRegistry registry_,
        uint256 minimumStakeWei_,
        uint64 unbondDelaySeconds_
    ) {
        token = token_;
        registry = registry_;
        minimumStakeWei = minimumStakeWei_;
        unbondDelaySeconds = unbondDelaySeconds_;
    }

    /// Lets an escrow take stakes from a moment on that leaves every provider time to see it and to leave with its stake:
    /// twice the delay of leaving, or at once while nothing is staked. What is admitted stays.
    function admitEscrow(address escrow) external {
        if (msg.sender != registry.owner()) revert NotRegistryOwner(msg.sender);
        if (escrowSince[escrow] != 0) revert EscrowAdmitted(escrow, escrowSince[escrow]);
        uint64 since = uint64(block.timestamp) + (totalStakedWei == 0 ? 0 : 2 * unbondDelaySeconds);
        escrowSince[escrow] = since;
        emit EscrowAdmittedFrom(escrow, since);
    }

    /// The calling provider says what one refutation may take from its stake, at most, where it is proven by `verifier` under
    /// exactly this key about exactly this model. It holds for leases from now on, until it is said anew; 0 for nothing, which
    /// is how everybody begins. Only for a key that the provider itself found to belong to the model and nobody can forge for.
    function putAtRisk(
        address verifier,
        bytes32 modelCommitment,
        bytes32 verifyingKeyHash,
        uint128 maximumWei
    ) external {
        if (verifier == address(0) || modelCommitment == bytes32(0) || verifyingKeyHash == bytes32(0)) {
            revert StatementMissing();
        }
        _atRiskWei[msg.sender][_statement(verifier, modelCommitment, verifyingKeyHash)] = maximumWei;
        emit StakePutAtRisk(msg.sender, verifier, modelCommitment, verifyingKeyHash, maximumWei);
    }

    /// Burns up to `amountWei` of the stake of a provider whose signed output the calling escrow saw proven wrong, also of one
    /// that is leaving: the escrow answers for it that the provider put as much at risk before the lease. Takes nothing, and
    /// says so, for a caller that may not (yet) or of a provider that has left.
    function slash(address provider, uint256 amountWei) external nonReentrant returns (uint256 burnedWei) {
        uint64 since = escrowSince[msg.sender];
        if (since == 0 || block.timestamp < since) return 0;
        ProviderRecord storage record = _providers[provider];
        burnedWei = record.stakeWei < amountWei ? record.stakeWei : amountWei;
        if (burnedWei == 0) return 0;
        record.stakeWei -= burnedWei;
        totalStakedWei -= burnedWei;
        emit ProviderSlashed(provider, msg.sender, burnedWei, record.stakeWei, isActive(provider));
        token.burn(burnedWei);
    }

    /// Joins, or renews capabilities and self-test and adds to the stake. `stakeWei` is what is added now.
    function register(
        ProviderRegistration calldata registration,
        bytes calldata providerSignature,
        TokenPermit calldata permit
    ) external nonReentrant {
        address provider = registration.provider;
        _consume(provider, registrationDigest(registration), registration.deadline, providerSignature);

        ProviderRecord storage record = _providers[provider];
        if (record.unbondedAt != 0) revert ProviderIsUnbonding(provider, record.unbondedAt);
        uint256 stakeWei = record.stakeWei + registration.stakeWei;
        if (stakeWei < minimumStakeWei) revert StakeTooLow(stakeWei, minimumStakeWei);

        record.stakeWei = stakeWei;
        record.capabilitiesHash = registration.capabilitiesHash;
        record.selfTestHash = registration.selfTestHash;
        if (record.registeredAt == 0) record.registeredAt = uint64(block.timestamp);
        totalStakedWei += registration.stakeWei;
        emit ProviderRegistered(provider, stakeWei, registration.capabilitiesHash, registration.selfTestHash);

        TokenPermits.pull(token, provider, registration.stakeWei, permit);
    }

    /// The calling provider takes no new jobs from now on; its stake is free after the delay.
    function unbond() external {
        ProviderRecord storage record = _providers[msg.sender];
        if (record.registeredAt == 0) revert ProviderUnknown(msg.sender);
        if (record.unbondedAt != 0) revert ProviderIsUnbonding(msg.sender, record.unbondedAt);
        record.unbondedAt = uint64(block.timestamp) + unbondDelaySeconds;
        emit ProviderUnbonding(msg.sender, record.stakeWei, record.unbondedAt);
    }

    /// Returns the stake to a provider that unbonded; anyone may pay the gas. The provider may register anew.
    function withdrawStake(address provider) external nonReentrant {
        ProviderRecord storage record = _providers[provider];
        if (record.registeredAt == 0) revert ProviderUnknown(provider);
        if (record.unbondedAt == 0 || block.timestamp < record.unbondedAt) {
            revert StillBonded(provider, record.unbondedAt, block.timestamp);
        }
        uint256 stakeWei = record.stakeWei;
        delete _providers[provider];
        totalStakedWei -= stakeWei;
        emit ProviderLeft(provider, stakeWei);
        token.safeTransfer(provider, stakeWei);
    }

    function providerOf(address provider) external view returns (ProviderRecord memory) {
        return _providers[provider];
    }

    function stakeOf(address provider) external view returns (uint256) {
        return _providers[provider].stakeWei;
    }

    /// Registered, not leaving, and with the stake that it takes: may be leased jobs.
    function isActive(address provider) public view returns (bool) {
        ProviderRecord storage record = _providers[provider];
        return record.registeredAt != 0 && record.unbondedAt == 0 && record.stakeWei >= minimumStakeWei;
    }

    /// What one refutation of a lease made now could take at most; 0 where the provider put nothing at risk.
    function atRiskWei(
        address provider,
        address verifier,
        bytes32 modelCommitment,
        bytes32 verifyingKeyHash
    ) external view returns (uint128) {
        return _atRiskWei[provider][_statement(verifier, modelCommitment, verifyingKeyHash)];
    }

    function registrationDigest(ProviderRegistration calldata registration) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REGISTRATION_TYPEHASH, registration)));
    }

    function _statement(
        address verifier,
        bytes32 modelCommitment,
        bytes32 verifyingKeyHash
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(verifier, modelCommitment, verifyingKeyHash));
    }
}
