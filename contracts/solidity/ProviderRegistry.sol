// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {OneTimeActions} from "./base/OneTimeActions.sol";
import {TokenPermit, TokenPermits} from "./base/TokenPermits.sol";
import {ContractRegistry} from "./ContractRegistry.sol";
import {WrappedAios} from "./WrappedAios.sol";

/// Who may be leased jobs: providers with a stake, what they say they have, and the self-test they signed. The stake is lost
/// to a proof that the provider signed a wrong output, and to nothing else: an escrow takes it that every provider had time to leave before.
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

    uint256 private constant BPS = 10_000;

    WrappedAios public immutable token;
    address public immutable treasury;
    ContractRegistry public immutable registry;
    uint256 public immutable minimumStakeWei;
    uint64 public immutable unbondDelaySeconds;
    /// Part of a stake taken that goes to whoever showed the proof; the rest goes to the treasury.
    uint16 public immutable refuterRewardBps;
    /// Unix seconds from which an escrow may take stakes; 0 for what is none.
    mapping(address escrow => uint64) public escrowSince;
    uint256 public totalStakedWei;

    mapping(address provider => ProviderRecord) private _providers;

    event ProviderRegistered(
        address indexed provider,
        uint256 stakeWei,
        bytes32 capabilitiesHash,
        bytes32 selfTestHash
    );
    event ProviderUnbonding(address indexed provider, uint256 stakeWei, uint64 unbondedAt);
    event ProviderLeft(address indexed provider, uint256 stakeWei);
    event ProviderSlashed(address indexed provider, address indexed refuter, uint256 stakeWei, uint256 rewardWei);
    event EscrowAdmittedFrom(address indexed escrow, uint64 since);

    error StakeTooLow(uint256 stakeWei, uint256 minimumWei);
    error ProviderUnknown(address provider);
    error ProviderIsUnbonding(address provider, uint64 unbondedAt);
    error StillBonded(address provider, uint64 unbondedAt, uint256 timestamp);

    error RewardOutOfRange(uint16 refuterRewardBps);
    error NotRegistryOwner(address caller);
    error EscrowAdmitted(address escrow, uint64 since);

    constructor(
        WrappedAios token_,
        address treasury_,
        ContractRegistry registry_,
        uint256 minimumStakeWei_,
        uint64 unbondDelaySeconds_,
        uint16 refuterRewardBps_
    ) {
        if (refuterRewardBps_ > BPS) revert RewardOutOfRange(refuterRewardBps_);
        token = token_;
        treasury = treasury_;
        registry = registry_;
        minimumStakeWei = minimumStakeWei_;
        unbondDelaySeconds = unbondDelaySeconds_;
        refuterRewardBps = refuterRewardBps_;
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

    /// Takes the whole stake of a provider whose signed output the calling escrow saw proven wrong, also of one that is
    /// leaving. Takes nothing, and says so, for a caller that may not (yet) or of a provider that has left. Who lost its
    /// stake may register anew with another one.
    function slash(address provider, address refuter) external nonReentrant returns (uint256 takenWei) {
        uint64 since = escrowSince[msg.sender];
        if (since == 0 || block.timestamp < since) return 0;
        takenWei = _providers[provider].stakeWei;
        if (takenWei == 0) return 0;
        delete _providers[provider];
        totalStakedWei -= takenWei;
        uint256 rewardWei = (takenWei * refuterRewardBps) / BPS;
        emit ProviderSlashed(provider, refuter, takenWei, rewardWei);
        token.safeTransfer(refuter, rewardWei);
        token.safeTransfer(treasury, takenWei - rewardWei);
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

    /// Registered and not leaving: may be leased jobs.
    function isActive(address provider) external view returns (bool) {
        ProviderRecord storage record = _providers[provider];
        return record.registeredAt != 0 && record.unbondedAt == 0;
    }

    function registrationDigest(ProviderRegistration calldata registration) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REGISTRATION_TYPEHASH, registration)));
    }
}
