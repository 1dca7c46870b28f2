// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Bls12381} from "./base/Bls12381.sol";
import {FinalityMessages} from "./base/FinalityMessages.sol";
import {TokenPermit, TokenPermits} from "./base/TokenPermits.sol";
import {WrappedAios} from "./WrappedAios.sol";

/// Who may be elected an honor node: deposits, voting keys, and what they lose.
/// Faults and malice are apart: being down for more than 5% of a day costs 1% of the deposit, and nothing when many were
/// down or a fault of the network was declared; two signed statements that exclude each other cost all of it.
contract HonorStaking is AccessControl, ReentrancyGuardTransient {
    using SafeERC20 for WrappedAios;
    using EnumerableSet for EnumerableSet.AddressSet;

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
    uint16 public constant START_RATIO_BPS = 2_000;
    uint16 public constant LOWEST_RATIO_BPS = 1_000;
    uint16 public constant HIGHEST_RATIO_BPS = 3_000;
    /// Downtime of a day up to this costs nothing.
    uint16 public constant TOLERATED_DOWNTIME_BPS = 500;
    uint16 public constant DOWNTIME_CHARGE_BPS = 100;

    WrappedAios public immutable token;
    address public immutable treasury;
    /// Name of the chain in what nodes sign.
    string public chainName;
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

    event NodeRegistered(address indexed node, uint256 depositWei, bytes publicKey);
    event KeyRotated(address indexed node, bytes publicKey);
    event NodeUnbonding(address indexed node, uint64 unbondedAt);
    event NodeLeft(address indexed node, uint256 depositWei);
    event DowntimeReported(address indexed node, uint256 indexed day, uint16 downtimeBps);
    event DowntimeCharged(address indexed node, uint256 indexed day, uint256 amountWei);
    event FaultDeclared(uint256 indexed day, string reason);
    event NodeReturned(address indexed node);
    event NodeSlashed(address indexed node, address indexed reporter, uint256 amountWei, uint256 rewardWei);
    event RatioSet(address indexed node, uint16 ratioBps);

    error NodeConvicted(address node);
    error NodeUnknown(address node);
    error NodeIsUnbonding(address node, uint64 unbondedAt);
    error NodeStillBonded(address node, uint64 unbondedAt, uint256 timestamp);
    error DepositTooLow(uint256 depositWei, uint256 neededWei);
    error KeyTaken(bytes publicKey);
    error PossessionNotProven();
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
    error ParameterOutOfRange();

    constructor(
        WrappedAios token_,
        address treasury_,
        address admin,
        string memory chainName_,
        Parameters memory parameters_
    ) {
        if (address(token_) == address(0) || treasury_ == address(0) || admin == address(0)) revert ParameterOutOfRange();
        if (parameters_.reporterRewardBps > BPS || parameters_.breakerBps > BPS) revert ParameterOutOfRange();
        bytes memory name = bytes(chainName_);
        if (name.length == 0 || name.length > 31) revert ParameterOutOfRange();
        // What nodes sign is JSON: a name that it would have to escape is refused.
        for (uint256 index = 0; index < name.length; index++) {
            bytes1 letter = name[index];
            bool isPlain = letter == "-" || (letter >= "0" && letter <= "9") || (letter >= "a" && letter <= "z");
            if (!isPlain) revert ParameterOutOfRange();
        }
        token = token_;
        treasury = treasury_;
        chainName = chainName_;
        parameters = parameters_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    // Joining and leaving

    /// Joins with a key whose possession is proven, both points in the encoding of EIP-2537.
    function register(
        bytes calldata publicKey,
        bytes calldata possession,
        uint256 depositWei,
        TokenPermit calldata permit
    ) external nonReentrant {
        if (isConvicted[msg.sender]) revert NodeConvicted(msg.sender);
        Node storage node = _nodes[msg.sender];
        if (node.unbondedAt != 0) revert NodeIsUnbonding(msg.sender, node.unbondedAt);
        if (node.ratioBps == 0) node.ratioBps = START_RATIO_BPS;
        node.depositWei += depositWei;
        totalDepositedWei += depositWei;
        bytes memory compressed = _takeKey(node, publicKey, possession);
        _members.add(msg.sender);
        emit NodeRegistered(msg.sender, node.depositWei, compressed);
        TokenPermits.pull(token, msg.sender, depositWei, permit);
        uint256 neededWei = requiredDepositWei(msg.sender);
        if (node.depositWei < neededWei) revert DepositTooLow(node.depositWei, neededWei);
    }

    /// Adds to the deposit.
    function deposit(uint256 depositWei, TokenPermit calldata permit) external nonReentrant {
        Node storage node = _active(msg.sender);
        node.depositWei += depositWei;
        totalDepositedWei += depositWei;
        emit NodeRegistered(msg.sender, node.depositWei, node.publicKey);
        TokenPermits.pull(token, msg.sender, depositWei, permit);
    }

    /// Votes with another key from the next hand-over on; the old one still convicts.
    function rotateKey(bytes calldata publicKey, bytes calldata possession) external {
        Node storage node = _active(msg.sender);
        emit KeyRotated(msg.sender, _takeKey(node, publicKey, possession));
    }

    /// Leaves: not elected any more, and convicted until the deposit is taken out.
    function unbond() external {
        Node storage node = _active(msg.sender);
        node.unbondedAt = uint64(block.timestamp) + parameters.unbondDelaySeconds;
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
        token.safeTransfer(account, depositWei);
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
        uint256 amountWei = (node.depositWei * DOWNTIME_CHARGE_BPS) / BPS;
        node.depositWei -= amountWei;
        node.isJailed = true;
        totalDepositedWei -= amountWei;
        emit DowntimeCharged(account, day, amountWei);
        token.safeTransfer(treasury, amountWei);
    }

    /// The calling node is up again and may be elected.
    function unjail() external {
        Node storage node = _active(msg.sender);
        if (!node.isJailed) revert NotJailed(msg.sender);
        node.isJailed = false;
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
        bytes memory first = FinalityMessages.statementBytes(chainName, step, statements[0]);
        bytes memory second = FinalityMessages.statementBytes(chainName, step, statements[1]);
        _slash(publicKey, first, second, signatures);
    }

    /// Shows two blocks of a node for one tick.
    function slashDoubleBlock(
        bytes calldata publicKey,
        FinalityMessages.Tick calldata tick,
        bytes32[2] calldata blockIds,
        bytes[2] calldata signatures
    ) external nonReentrant {
        bytes memory first = FinalityMessages.claimBytes(chainName, tick, blockIds[0]);
        bytes memory second = FinalityMessages.claimBytes(chainName, tick, blockIds[1]);
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
        isConvicted[account] = true;
        _forget(account);
        emit NodeSlashed(account, msg.sender, amountWei, rewardWei);
        token.safeTransfer(msg.sender, rewardWei);
        token.safeTransfer(treasury, amountWei - rewardWei);
    }

    // Levels

    /// Sets how much of its holding a node has to deposit, from 10% for the best levels to 30% for the worst.
    function setRatio(address account, uint16 ratioBps) external onlyRole(LEVEL_ROLE) {
        if (ratioBps < LOWEST_RATIO_BPS || ratioBps > HIGHEST_RATIO_BPS) revert RatioOutOfRange(ratioBps);
        _known(account).ratioBps = ratioBps;
        emit RatioSet(account, ratioBps);
    }

    // Views

    /// The least deposit of a node: the minimum, or its ratio of what it holds and has deposited.
    function requiredDepositWei(address account) public view returns (uint256) {
        Node storage node = _nodes[account];
        uint256 ratioBps = node.ratioBps == 0 ? START_RATIO_BPS : node.ratioBps;
        uint256 shareWei = ((token.balanceOf(account) + node.depositWei) * ratioBps) / BPS;
        return shareWei > parameters.minimumDepositWei ? shareWei : parameters.minimumDepositWei;
    }

    /// Whether a node may be elected now.
    function isEligible(address account) public view returns (bool) {
        Node storage node = _nodes[account];
        return
            node.publicKey.length != 0 &&
            node.unbondedAt == 0 &&
            !node.isJailed &&
            node.depositWei >= requiredDepositWei(account);
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

    function _takeKey(
        Node storage node,
        bytes calldata publicKey,
        bytes calldata possession
    ) private returns (bytes memory compressed) {
        Bls12381.requireKey(publicKey);
        compressed = Bls12381.compress(publicKey);
        bytes32 keyHash = keccak256(compressed);
        if (ownerOfKey[keyHash] != address(0)) revert KeyTaken(compressed);
        if (!Bls12381.verify(publicKey, compressed, Bls12381.POSSESSION_DOMAIN, possession)) revert PossessionNotProven();
        ownerOfKey[keyHash] = msg.sender;
        node.publicKey = compressed;
    }

    function _forget(address account) private {
        totalDepositedWei -= _nodes[account].depositWei;
        delete _nodes[account];
        _members.remove(account);
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
