// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Bls12381} from "./base/Bls12381.sol";
import {FinalityMessages} from "./base/FinalityMessages.sol";
import {StakeRewards} from "./base/StakeRewards.sol";

/// Who may be elected an honor node: deposits, voting keys, and what they lose.
/// Faults and malice are apart: being down for more than 5% of a day costs 1% of the deposit, and nothing when many were
/// down or a fault of the network was declared; two signed statements that exclude each other cost all of it.
/// The chain credits the stakers' part of each block's base fee to this contract, without a call: all coins that are neither
/// deposits nor shared out yet are income of the nodes that may be elected, in proportion to their deposits.
/// Honor nodes read candidates out of its storage: `services/consensus/src/domain/staking-state.ts` knows the layout.
contract HonorStaking is AccessControl, ReentrancyGuardTransient {
    using Address for address payable;
    using EnumerableSet for EnumerableSet.AddressSet;
    using StakeRewards for StakeRewards.Pool;

    struct Parameters {
        uint256 minimumDepositWei;
        uint64 unbondDelaySeconds;
        /// Part of a slashed deposit that goes to whoever shows the evidence.
        uint16 reporterRewardBps;
        /// Nothing is charged for a day on which more than this part of the nodes was reported.
        uint16 breakerBps;
        /// How long after a day its reports can be disputed by declaring a fault.
        uint64 settleDelaySeconds;
    }

    struct Node {
        uint256 depositWei;
        /// Current voting key, compressed (48 bytes).
        bytes publicKey;
        /// When the deposit may be taken out; 0 while the node stays.
        uint64 unbondedAt;
        /// Suspended for downtime until its owner comes back.
        bool isJailed;
        /// Of the holding that has to be deposited.
        uint16 ratioBps;
        /// The node's name among its peers, an Ed25519 key.
        bytes32 nodeKey;
        /// Where peers reach it, host:port; empty: those that need it know.
        string endpoint;
        /// By the node key, over the account, chain and contract. Peers check it before they dial: no precompile knows Ed25519.
        bytes32[2] nodeKeySignature;
    }

    struct Day {
        /// Nodes that took part when the first report came.
        uint64 nodes;
        uint64 reports;
        bool isFaultDeclared;
    }

    /// Reports the downtime that the chain's history shows.
    bytes32 public constant REPORTER_ROLE = keccak256("REPORTER_ROLE");
    /// Declares network-wide faults.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    /// Sets deposit ratios by contribution level.
    bytes32 public constant LEVEL_ROLE = keccak256("LEVEL_ROLE");

    uint256 private constant BPS = 10_000;
    /// A DNS name and a port.
    uint256 public constant MAX_ENDPOINT_BYTES = 261;
    uint16 public constant START_RATIO_BPS = 2_000;
    uint16 public constant LOWEST_RATIO_BPS = 1_000;
    uint16 public constant HIGHEST_RATIO_BPS = 3_000;
    /// Downtime of a day up to this costs nothing.
    uint16 public constant TOLERATED_DOWNTIME_BPS = 500;
    uint16 public constant DOWNTIME_CHARGE_BPS = 100;

    address payable public immutable treasury;
    /// What the name of the chain in everything that nodes sign ends with.
    bytes32 public chainDigest;
    Parameters public parameters;
    uint256 public totalDepositedWei;

    mapping(address node => Node) private _nodes;
    /// Owner of every key that was ever registered: an old key convicts as well, and none is used twice.
    mapping(bytes32 keyHash => address node) public ownerOfKey;
    /// Accounts that were slashed: they never join again, so that one proof is never paid twice.
    mapping(address node => bool) public isConvicted;
    EnumerableSet.AddressSet private _members;
    mapping(uint256 day => Day) private _days;
    mapping(uint256 day => mapping(address node => bool)) public isReported;
    StakeRewards.Pool private _rewards;

    event NodeRegistered(address indexed node, uint256 depositWei, bytes publicKey);
    event EndpointSet(address indexed node, bytes32 nodeKey, string endpoint);
    event KeyRotated(address indexed node, bytes publicKey);
    event NodeUnbonding(address indexed node, uint64 unbondedAt);
    event NodeLeft(address indexed node, uint256 depositWei);
    event DowntimeReported(address indexed node, uint256 indexed day, uint16 downtimeBps);
    event DowntimeCharged(address indexed node, uint256 indexed day, uint256 amountWei);
    event FaultDeclared(uint256 indexed day, string reason);
    event NodeReturned(address indexed node);
    event NodeSlashed(address indexed node, address indexed reporter, uint256 amountWei, uint256 rewardWei);
    event RatioSet(address indexed node, uint16 ratioBps);
    event RewardsAdded(address indexed from, uint256 amountWei);
    event RewardsShared(uint256 amountWei);
    event RewardsWithdrawn(address indexed account, uint256 amountWei);

    error NodeConvicted(address node);
    error NodeUnknown(address node);
    error NodeIsUnbonding(address node, uint64 unbondedAt);
    error NodeStillBonded(address node, uint64 unbondedAt, uint256 timestamp);
    error DepositTooLow(uint256 depositWei, uint256 neededWei);
    error KeyTaken(bytes publicKey);
    error PossessionNotProven();
    error NodeKeyMissing();
    error EndpointTooLong(uint256 bytesGiven, uint256 bytesAllowed);
    error NotJailed(address node);
    error DayNotOver(uint256 day, uint256 timestamp);
    error DayNotSettled(uint256 day, uint256 timestamp);
    error DaySettled(uint256 day);
    error DowntimeTolerated(uint16 downtimeBps, uint16 toleratedBps);
    error AlreadyReported(address node, uint256 day);
    error NotReported(address node, uint256 day);
    error StatementsAgree();
    error NotSignedByAccused(uint8 statement);
    error RatioOutOfRange(uint16 ratioBps);
    error NothingToWithdraw(address account);
    error ParameterOutOfRange();

    constructor(address payable treasury_, address admin, bytes32 chainDigest_, Parameters memory parameters_) {
        if (treasury_ == address(0) || admin == address(0) || chainDigest_ == 0) revert ParameterOutOfRange();
        if (parameters_.reporterRewardBps > BPS || parameters_.breakerBps > BPS) revert ParameterOutOfRange();
        treasury = treasury_;
        chainDigest = chainDigest_;
        parameters = parameters_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    // Joining and leaving

    /// Joins, with the coins sent as deposit and a key whose possession is proven, both points in the encoding of EIP-2537.
    /// The proof is over `possessionMessage`, so that nobody registers a key with a proof that another made.
    function register(
        bytes calldata publicKey,
        bytes calldata possession,
        bytes32 nodeKey,
        bytes32[2] calldata nodeKeySignature,
        string calldata endpoint
    ) external payable nonReentrant {
        if (isConvicted[msg.sender]) revert NodeConvicted(msg.sender);
        Node storage node = _nodes[msg.sender];
        if (node.unbondedAt != 0) revert NodeIsUnbonding(msg.sender, node.unbondedAt);
        _shareOut();
        if (node.ratioBps == 0) node.ratioBps = START_RATIO_BPS;
        _add(node, msg.value);
        bytes memory compressed = _takeKey(node, publicKey, possession);
        _setEndpoint(node, nodeKey, nodeKeySignature, endpoint);
        _members.add(msg.sender);
        _restake(msg.sender);
        emit NodeRegistered(msg.sender, node.depositWei, compressed);
        _requireDeposit(node);
    }

    /// Adds to the deposit.
    function deposit() external payable nonReentrant {
        Node storage node = _active(msg.sender);
        _shareOut();
        _add(node, msg.value);
        _restake(msg.sender);
        emit NodeRegistered(msg.sender, node.depositWei, node.publicKey);
    }

    /// Votes with another key from the next hand-over on; the old one still convicts.
    function rotateKey(bytes calldata publicKey, bytes calldata possession) external {
        Node storage node = _active(msg.sender);
        emit KeyRotated(msg.sender, _takeKey(node, publicKey, possession));
    }

    /// Says where peers find the node from now on.
    function setEndpoint(bytes32 nodeKey, bytes32[2] calldata nodeKeySignature, string calldata endpoint) external {
        _setEndpoint(_active(msg.sender), nodeKey, nodeKeySignature, endpoint);
    }

    /// Leaves: not elected any more, and convicted until the deposit is taken out.
    function unbond() external nonReentrant {
        Node storage node = _active(msg.sender);
        _shareOut();
        node.unbondedAt = uint64(block.timestamp) + parameters.unbondDelaySeconds;
        _restake(msg.sender);
        emit NodeUnbonding(msg.sender, node.unbondedAt);
    }

    /// Returns the deposit of a node that left; anyone may pay the gas.
    function withdrawDeposit(address account) external nonReentrant {
        Node storage node = _known(account);
        if (node.unbondedAt == 0 || block.timestamp < node.unbondedAt) {
            revert NodeStillBonded(account, node.unbondedAt, block.timestamp);
        }
        uint256 depositWei = node.depositWei;
        _forget(account);
        emit NodeLeft(account, depositWei);
        payable(account).sendValue(depositWei);
    }

    // Downtime

    /// Says that a node was down for more than is tolerated on a day (days since 1970) that is over.
    function reportDowntime(uint256 day, address account, uint16 downtimeBps) external onlyRole(REPORTER_ROLE) {
        _known(account);
        if (downtimeBps <= TOLERATED_DOWNTIME_BPS || downtimeBps > BPS) {
            revert DowntimeTolerated(downtimeBps, TOLERATED_DOWNTIME_BPS);
        }
        if (block.timestamp < (day + 1) * 1 days) revert DayNotOver(day, block.timestamp);
        if (block.timestamp >= settledAt(day)) revert DaySettled(day);
        if (isReported[day][account]) revert AlreadyReported(account, day);
        isReported[day][account] = true;
        Day storage reported = _days[day];
        if (reported.nodes == 0) reported.nodes = uint64(_members.length());
        reported.reports += 1;
        emit DowntimeReported(account, day, downtimeBps);
    }

    /// Declares that the network was at fault on a day: nobody is charged for it.
    function declareFault(uint256 day, string calldata reason) external onlyRole(GUARDIAN_ROLE) {
        if (block.timestamp >= settledAt(day)) revert DaySettled(day);
        _days[day].isFaultDeclared = true;
        emit FaultDeclared(day, reason);
    }

    /// Charges and suspends a reported node once the day cannot be disputed any more; does nothing but clear the report
    /// where the breaker fell. Anyone may call it, once.
    function settleDowntime(uint256 day, address account) external nonReentrant {
        if (!isReported[day][account]) revert NotReported(account, day);
        if (block.timestamp < settledAt(day)) revert DayNotSettled(day, block.timestamp);
        isReported[day][account] = false;
        Node storage node = _nodes[account];
        if (node.publicKey.length == 0 || isFaultOf(day)) return;
        _shareOut();
        uint256 amountWei = (node.depositWei * DOWNTIME_CHARGE_BPS) / BPS;
        node.depositWei -= amountWei;
        node.isJailed = true;
        totalDepositedWei -= amountWei;
        _restake(account);
        emit DowntimeCharged(account, day, amountWei);
        treasury.sendValue(amountWei);
    }

    /// The calling node is up again and may be elected; its deposit has to be what it would have to be for a new node.
    function unjail() external nonReentrant {
        Node storage node = _active(msg.sender);
        if (!node.isJailed) revert NotJailed(msg.sender);
        _requireDeposit(node);
        _shareOut();
        node.isJailed = false;
        _restake(msg.sender);
        emit NodeReturned(msg.sender);
    }

    // Malice

    /// Shows two statements of a node for one step of finality. `publicKey` is the accused's, in the encoding of EIP-2537.
    function slashDoubleMessage(
        bytes calldata publicKey,
        FinalityMessages.Step calldata step,
        FinalityMessages.Statement[2] calldata statements,
        bytes[2] calldata signatures
    ) external nonReentrant {
        string memory chain = chainName();
        bytes memory first = FinalityMessages.statementBytes(chain, step, statements[0]);
        bytes memory second = FinalityMessages.statementBytes(chain, step, statements[1]);
        _slash(publicKey, first, second, signatures);
    }

    /// Shows two blocks of a node for one tick.
    function slashDoubleBlock(
        bytes calldata publicKey,
        FinalityMessages.Tick calldata tick,
        bytes32[2] calldata blockIds,
        bytes[2] calldata signatures
    ) external nonReentrant {
        string memory chain = chainName();
        bytes memory first = FinalityMessages.claimBytes(chain, tick, blockIds[0]);
        bytes memory second = FinalityMessages.claimBytes(chain, tick, blockIds[1]);
        _slash(publicKey, first, second, signatures);
    }

    function _slash(
        bytes calldata publicKey,
        bytes memory first,
        bytes memory second,
        bytes[2] calldata signatures
    ) private {
        if (keccak256(first) == keccak256(second)) revert StatementsAgree();
        if (!Bls12381.verify(publicKey, first, Bls12381.MESSAGE_DOMAIN, signatures[0])) revert NotSignedByAccused(0);
        if (!Bls12381.verify(publicKey, second, Bls12381.MESSAGE_DOMAIN, signatures[1])) revert NotSignedByAccused(1);
        address account = ownerOfKey[keccak256(Bls12381.compress(publicKey))];
        uint256 amountWei = _known(account).depositWei;
        uint256 rewardWei = (amountWei * parameters.reporterRewardBps) / BPS;
        _shareOut();
        isConvicted[account] = true;
        _forget(account);
        emit NodeSlashed(account, msg.sender, amountWei, rewardWei);
        treasury.sendValue(amountWei - rewardWei);
        payable(msg.sender).sendValue(rewardWei);
    }

    // Rewards

    /// Adds to what is shared out among the nodes, for example what waited in a reserve before there was a contract.
    function addRewards() external payable {
        emit RewardsAdded(msg.sender, msg.value);
    }

    /// Pays an account what its deposit has earned, also after it left; anyone may pay the gas.
    function withdrawRewards(address account) external nonReentrant {
        _shareOut();
        uint256 amountWei = _rewards.take(account);
        if (amountWei == 0) revert NothingToWithdraw(account);
        emit RewardsWithdrawn(account, amountWei);
        payable(account).sendValue(amountWei);
    }

    // Levels

    /// Sets how much of its holding a node has to deposit, from 10% for the best levels to 30% for the worst.
    function setRatio(address account, uint16 ratioBps) external onlyRole(LEVEL_ROLE) {
        if (ratioBps < LOWEST_RATIO_BPS || ratioBps > HIGHEST_RATIO_BPS) revert RatioOutOfRange(ratioBps);
        _known(account).ratioBps = ratioBps;
        emit RatioSet(account, ratioBps);
    }

    // Views

    /// Name of the chain in everything that nodes sign.
    function chainName() public view returns (string memory) {
        return FinalityMessages.chainName(block.chainid, chainDigest);
    }

    /// What an account's voting key signs to show that its secret is known: the compressed key, account, chain and contract.
    function possessionMessage(bytes memory compressed, address account) public view returns (bytes memory) {
        return abi.encodePacked(compressed, account, block.chainid, address(this));
    }

    /// The least deposit with which a node joins or comes back: the minimum, or its ratio of what it holds and has deposited.
    function requiredDepositWei(address account) public view returns (uint256) {
        Node storage node = _nodes[account];
        uint256 ratioBps = node.ratioBps == 0 ? START_RATIO_BPS : node.ratioBps;
        uint256 shareWei = ((account.balance + node.depositWei) * ratioBps) / BPS;
        return shareWei > parameters.minimumDepositWei ? shareWei : parameters.minimumDepositWei;
    }

    /// Whether a node may be elected now. Its holding is not asked here: a gift of coins must not cost anybody a seat.
    function isEligible(address account) public view returns (bool) {
        Node storage node = _nodes[account];
        return
            node.publicKey.length != 0 &&
            node.unbondedAt == 0 &&
            !node.isJailed &&
            node.depositWei >= parameters.minimumDepositWei;
    }

    /// What `withdrawRewards` would pay now.
    function rewardsOf(address account) external view returns (uint256) {
        return _rewards.dueWei(account, _incomeWei());
    }

    function nodeOf(address account) external view returns (Node memory) {
        return _nodes[account];
    }

    function nodeCount() external view returns (uint256) {
        return _members.length();
    }

    /// Nodes from `offset` on, at most `limit`, with what an election asks.
    function nodes(
        uint256 offset,
        uint256 limit
    ) external view returns (address[] memory accounts, Node[] memory records, bool[] memory eligible) {
        uint256 count = _members.length();
        uint256 left = offset < count ? count - offset : 0;
        uint256 length = limit < left ? limit : left;
        accounts = new address[](length);
        records = new Node[](length);
        eligible = new bool[](length);
        for (uint256 index = 0; index < length; index++) {
            accounts[index] = _members.at(offset + index);
            records[index] = _nodes[accounts[index]];
            eligible[index] = isEligible(accounts[index]);
        }
    }

    /// From when on the reports of a day are charged.
    function settledAt(uint256 day) public view returns (uint256) {
        return (day + 1) * 1 days + parameters.settleDelaySeconds;
    }

    /// Whether nobody is charged for a day: a fault was declared, or too many were down at once to have been at fault.
    function isFaultOf(uint256 day) public view returns (bool) {
        Day storage reported = _days[day];
        return
            reported.isFaultDeclared ||
            uint256(reported.reports) * BPS > uint256(reported.nodes) * parameters.breakerBps;
    }

    // Inside

    /// Coins that are neither deposits nor shared out; what a call brings is not income yet. To be asked before a call changes
    /// deposits or sends coins, by functions that nothing re-enters: in between, coins on their way out would look like income.
    function _incomeWei() private view returns (uint256) {
        return address(this).balance - msg.value - totalDepositedWei - _rewards.owedWei();
    }

    function _shareOut() private {
        uint256 sharedWei = _rewards.share(_incomeWei());
        if (sharedWei != 0) emit RewardsShared(sharedWei);
    }

    /// What earns is the deposit of a node that stays and is not suspended.
    function _restake(address account) private {
        Node storage node = _nodes[account];
        _rewards.setStake(account, node.unbondedAt == 0 && !node.isJailed ? node.depositWei : 0);
    }

    function _add(Node storage node, uint256 depositWei) private {
        node.depositWei += depositWei;
        totalDepositedWei += depositWei;
    }

    function _requireDeposit(Node storage node) private view {
        uint256 neededWei = requiredDepositWei(msg.sender);
        if (node.depositWei < neededWei) revert DepositTooLow(node.depositWei, neededWei);
    }

    function _takeKey(
        Node storage node,
        bytes calldata publicKey,
        bytes calldata possession
    ) private returns (bytes memory compressed) {
        Bls12381.requireKey(publicKey);
        compressed = Bls12381.compress(publicKey);
        bytes32 keyHash = keccak256(compressed);
        if (ownerOfKey[keyHash] != address(0)) revert KeyTaken(compressed);
        bytes memory message = possessionMessage(compressed, msg.sender);
        if (!Bls12381.verify(publicKey, message, Bls12381.POSSESSION_DOMAIN, possession)) revert PossessionNotProven();
        ownerOfKey[keyHash] = msg.sender;
        node.publicKey = compressed;
    }

    function _setEndpoint(
        Node storage node,
        bytes32 nodeKey,
        bytes32[2] calldata nodeKeySignature,
        string calldata endpoint
    ) private {
        uint256 length = bytes(endpoint).length;
        if (length > MAX_ENDPOINT_BYTES) revert EndpointTooLong(length, MAX_ENDPOINT_BYTES);
        if (nodeKey == 0) revert NodeKeyMissing();
        node.nodeKey = nodeKey;
        node.nodeKeySignature = nodeKeySignature;
        node.endpoint = endpoint;
        emit EndpointSet(msg.sender, nodeKey, endpoint);
    }

    function _forget(address account) private {
        totalDepositedWei -= _nodes[account].depositWei;
        delete _nodes[account];
        _members.remove(account);
        _restake(account);
    }

    function _known(address account) private view returns (Node storage node) {
        node = _nodes[account];
        if (node.publicKey.length == 0) revert NodeUnknown(account);
    }

    function _active(address account) private view returns (Node storage node) {
        node = _known(account);
        if (node.unbondedAt != 0) revert NodeIsUnbonding(account, node.unbondedAt);
    }
}
