// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentKind, PaymentSplit, Cost, PriceTerms} from "./base/PaymentSplit.sol";
import {JobMessages} from "./base/JobMessages.sol";
import {PullPayments} from "./base/PullPayments.sol";
import {Refutations} from "./base/Refutations.sol";
import {TokenPermit, TokenPermits} from "./base/TokenPermits.sol";
import {ContractRegistry} from "./ContractRegistry.sol";
import {IModelTerms} from "./interfaces/IModelTerms.sol";
import {IResultVerifier, Outcome, ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";
import {JobAction, JobState, JobStates} from "./JobStates.sol";
import {ProviderRegistry} from "./ProviderRegistry.sol";
import {WrappedAios} from "./WrappedAios.sol";

/// The job's money. A buyer's signed order puts its price cap into escrow; the result's verifier decides when it
/// is paid out, once. Who may do what in which state until when: `JobStates.sol`, generated from
/// cores/settlement/src/job-state-table.ts.
contract JobEscrow is JobMessages, PullPayments {
    struct Job {
        address buyer;
        JobState state;
        uint8 jobKind;
        uint64 leaseBy;
        address verifier;
        uint32 deliverWithinSeconds;
        uint32 settleWithinSeconds;
        address matcher;
        /// Of the live or the last lease; a new lease needs a higher one.
        uint64 fencingToken;
        uint128 maxPriceWei;
        uint128 modelId;
        uint256 inputCommitment;
        // Of the live lease.
        address provider;
        uint64 deliverBy;
        address prover;
        uint64 deliveredAt;
        uint128 providerPriceWei;
        uint128 proverFeeWei;
        // Of the delivery.
        uint256 output;
        bytes32 outputHash;
        uint64 pendingUntil;
        /// Of the live lease: what a refutation takes from the provider's stake at most, as it said itself before.
        uint128 stakeAtRiskWei;
    }

    uint8 public constant JOB_KIND_TRAINING = 1;
    uint8 public constant JOB_KIND_INFERENCE = 2;
    /// Bounds what a buyer's order or a verifier can keep money locked for.
    uint64 public constant MAX_PHASE_SECONDS = 30 days;

    ContractRegistry public immutable registry;
    IModelTerms public immutable models;
    ProviderRegistry public immutable providers;

    /// Sum of the caps of all jobs that are neither settled nor refunded.
    uint256 public totalEscrowedWei;
    mapping(bytes32 jobId => Job) private _jobs;

    event JobOpened(
        bytes32 indexed jobId,
        address indexed buyer,
        uint256 indexed modelId,
        uint8 jobKind,
        uint256 licenceId,
        bytes32 requestHash,
        bytes32 inputCommitment,
        address verifier,
        address matcher,
        uint256 maxPriceWei,
        uint64 leaseBy
    );
    event JobLeased(
        bytes32 indexed jobId,
        address indexed provider,
        address indexed prover,
        uint64 fencingToken,
        uint256 providerPriceWei,
        uint256 proverFeeWei,
        uint64 deliverBy
    );
    /// Of a lease whose provider put stake at risk, under this key about this model; for others there is no such event.
    event LeaseStakeAtRisk(
        bytes32 indexed jobId,
        address indexed provider,
        uint64 fencingToken,
        bytes32 modelCommitment,
        bytes32 verifyingKeyHash,
        uint256 maximumWei
    );
    event JobDelivered(
        bytes32 indexed jobId,
        address indexed provider,
        uint64 fencingToken,
        uint256 output,
        bytes32 outputHash,
        bytes32 receiptHash,
        uint64 settleBy
    );
    event JobPending(bytes32 indexed jobId, address indexed provider, uint64 fencingToken, uint64 pendingUntil);
    event JobSettled(
        bytes32 indexed jobId,
        address indexed buyer,
        address indexed provider,
        uint64 fencingToken,
        bytes32 outputHash,
        JobAction action
    );
    event JobReleased(bytes32 indexed jobId, address indexed provider, uint64 fencingToken, JobAction action);
    event JobRefunded(bytes32 indexed jobId, address indexed buyer, uint256 amountWei, JobAction action);
    /// Every movement of a job's money. The parts of a settlement or refund sum to what `Escrow` took in.
    event JobPayment(bytes32 indexed jobId, PaymentKind indexed kind, address indexed account, uint256 amountWei);

    error JobKindUnknown(uint8 jobKind);
    error ModelRequired();
    error LicenceRequired(uint256 modelId, uint256 licenceId, address buyer);
    error VerifierNotListed(address verifier);
    error PriceCapMissing();
    error PhaseOutOfRange(uint64 givenSeconds, uint64 maximumSeconds);
    error NotMatcher(address caller, address matcher);
    error LeaseTooLate(bytes32 jobId, uint64 leaseBy, uint256 timestamp);
    error TermsExpired(bytes32 jobId, uint64 acceptBy, uint256 timestamp);
    error StaleFencingToken(bytes32 jobId, uint64 given, uint64 live);
    error ProviderNotActive(address provider);
    error ProverMissing();
    error PriceAboveCap(uint256 totalWei, uint256 maxPriceWei);
    error DeliveryTooLate(bytes32 jobId, uint64 deliverBy, uint256 timestamp);
    error OutputHashMismatch(bytes32 given, bytes32 expected);
    error SettlementTooLate(bytes32 jobId, uint64 settleBy, uint256 timestamp);
    error ResultInvalid(bytes32 jobId, bytes32 reason);
    error ChallengeWindowTooLong(bytes32 jobId, uint64 pendingUntil);
    error ChallengeWindowOpen(bytes32 jobId, uint64 pendingUntil, uint256 timestamp);
    error ChallengeWindowOver(bytes32 jobId, uint64 pendingUntil, uint256 timestamp);
    error OutputAsDelivered(bytes32 jobId, uint256 output);
    error NotRefuted(bytes32 jobId, bytes32 reason);
    error AcceptanceNotEnough(bytes32 jobId, address verifier);
    error AcceptanceMismatch(bytes32 jobId, bytes32 given, bytes32 delivered);
    error NotRefundableYet(bytes32 jobId, uint64 refundableAfter, uint256 timestamp);

    constructor(
        WrappedAios token_,
        address treasury_,
        uint256 protocolFeeBps_,
        ContractRegistry registry_,
        IModelTerms models_,
        ProviderRegistry providers_
    ) PullPayments(token_, treasury_, protocolFeeBps_) {
        if (address(registry_) == address(0) || address(models_) == address(0) || address(providers_) == address(0)) {
            revert ZeroAddress();
        }
        registry = registry_;
        models = models_;
        providers = providers_;
    }

    /// Takes the price cap from the buyer into escrow. The job's id is the order's EIP-712 digest, so the same
    /// order opens one job at most, whoever submits it and however it is signed.
    function open(
        Order calldata order,
        bytes calldata buyerSignature,
        TokenPermit calldata permit
    ) external nonReentrant returns (bytes32 jobId) {
        jobId = orderDigest(order);
        Job storage job = _jobs[jobId];
        JobState next = JobStates.next(jobId, job.state, JobAction.Open);
        _requireOrder(order, jobId);
        _requireSignature(order.buyer, jobId, buyerSignature);

        job.buyer = order.buyer;
        job.state = next;
        job.jobKind = order.jobKind;
        job.leaseBy = order.leaseBy;
        job.verifier = order.verifier;
        job.deliverWithinSeconds = uint32(order.deliverWithinSeconds);
        job.settleWithinSeconds = uint32(order.settleWithinSeconds);
        job.matcher = order.matcher;
        job.maxPriceWei = uint128(order.maxPriceWei);
        job.modelId = uint128(order.modelId);
        job.inputCommitment = uint256(order.inputCommitment);
        totalEscrowedWei += order.maxPriceWei;
        _emitOpened(jobId, order);

        TokenPermits.pull(token, order.buyer, order.maxPriceWei, permit);
    }

    /// The matcher that the order names gives the job to a provider, on the terms that the provider signed.
    function lease(LeaseTerms calldata terms, bytes calldata providerSignature) external {
        bytes32 jobId = terms.jobId;
        Job storage job = _jobs[jobId];
        JobState next = JobStates.next(jobId, job.state, JobAction.Lease);
        if (msg.sender != job.matcher) revert NotMatcher(msg.sender, job.matcher);
        if (block.timestamp > job.leaseBy) revert LeaseTooLate(jobId, job.leaseBy, block.timestamp);
        if (block.timestamp > terms.acceptBy) revert TermsExpired(jobId, terms.acceptBy, block.timestamp);
        if (terms.fencingToken <= job.fencingToken) {
            revert StaleFencingToken(jobId, terms.fencingToken, job.fencingToken);
        }
        if (terms.prover == address(0) && terms.proverFeeWei != 0) revert ProverMissing();
        if (!providers.isActive(terms.provider)) revert ProviderNotActive(terms.provider);
        _requireSignature(terms.provider, leaseTermsDigest(terms), providerSignature);
        PaymentSplit.requireAmount(terms.providerPriceWei);
        PaymentSplit.requireAmount(terms.proverFeeWei);

        uint64 deliverBy = uint64(block.timestamp) + job.deliverWithinSeconds;
        job.state = next;
        job.fencingToken = terms.fencingToken;
        job.provider = terms.provider;
        job.deliverBy = deliverBy;
        job.prover = terms.prover;
        job.providerPriceWei = uint128(terms.providerPriceWei);
        job.proverFeeWei = uint128(terms.proverFeeWei);
        (Cost memory cost, ) = _costOf(job);
        if (cost.totalWei > job.maxPriceWei) revert PriceAboveCap(cost.totalWei, job.maxPriceWei);
        emit JobLeased(
            jobId,
            terms.provider,
            terms.prover,
            terms.fencingToken,
            terms.providerPriceWei,
            terms.proverFeeWei,
            deliverBy
        );
        if (job.jobKind == JOB_KIND_INFERENCE) _noteStakeAtRisk(jobId, job);
    }

    /// Records what the provider signed that it delivered; anyone may submit it.
    function deliver(Delivery calldata delivery, bytes calldata providerSignature) external {
        bytes32 jobId = delivery.jobId;
        Job storage job = _jobs[jobId];
        JobState next = JobStates.next(jobId, job.state, JobAction.Deliver);
        if (delivery.fencingToken != job.fencingToken) {
            revert StaleFencingToken(jobId, delivery.fencingToken, job.fencingToken);
        }
        if (block.timestamp > job.deliverBy) revert DeliveryTooLate(jobId, job.deliverBy, block.timestamp);
        _requireSignature(job.provider, deliveryDigest(delivery), providerSignature);
        if (job.jobKind == JOB_KIND_INFERENCE) {
            bytes32 expected = keccak256(abi.encode(delivery.output));
            if (delivery.outputHash != expected) revert OutputHashMismatch(delivery.outputHash, expected);
        }

        job.state = next;
        job.deliveredAt = uint64(block.timestamp);
        job.output = delivery.output;
        job.outputHash = delivery.outputHash;
        emit JobDelivered(
            jobId,
            job.provider,
            delivery.fencingToken,
            delivery.output,
            delivery.outputHash,
            delivery.receiptHash,
            _settleBy(job)
        );
    }

    /// Asks the order's verifier about the delivered output and acts on its verdict; ends a challenge window that
    /// is over. Anyone may call: a final verdict pays the parties of the lease, never the caller.
    function settle(bytes32 jobId, bytes calldata evidence) external nonReentrant {
        Job storage job = _jobs[jobId];
        if (job.state == JobState.Pending) {
            if (block.timestamp < job.pendingUntil) {
                revert ChallengeWindowOpen(jobId, job.pendingUntil, block.timestamp);
            }
            _payOut(jobId, job, JobAction.WindowEnds);
            return;
        }
        JobStates.next(jobId, job.state, JobAction.VerifyFinal);
        _requireBeforeSettleBy(jobId, job);
        Verdict memory verdict = IResultVerifier(job.verifier).verify(_claim(jobId, job, job.output), evidence);
        if (verdict.outcome == Outcome.Invalid) revert ResultInvalid(jobId, verdict.reason);
        if (verdict.outcome == Outcome.Final) {
            _payOut(jobId, job, JobAction.VerifyFinal);
            return;
        }
        if (verdict.pendingUntil > block.timestamp + MAX_PHASE_SECONDS) {
            revert ChallengeWindowTooLong(jobId, verdict.pendingUntil);
        }
        job.state = JobStates.next(jobId, job.state, JobAction.VerifyPending);
        job.pendingUntil = verdict.pendingUntil;
        emit JobPending(jobId, job.provider, job.fencingToken, verdict.pendingUntil);
    }

    /// Settles on the buyer's word, where the verifier lets it suffice.
    function accept(Acceptance calldata acceptance, bytes calldata buyerSignature) external nonReentrant {
        bytes32 jobId = acceptance.jobId;
        Job storage job = _jobs[jobId];
        JobStates.next(jobId, job.state, JobAction.Accept);
        if (job.state == JobState.Delivered) _requireBeforeSettleBy(jobId, job);
        if (acceptance.fencingToken != job.fencingToken) {
            revert StaleFencingToken(jobId, acceptance.fencingToken, job.fencingToken);
        }
        if (acceptance.outputHash != job.outputHash) {
            revert AcceptanceMismatch(jobId, acceptance.outputHash, job.outputHash);
        }
        if (!IResultVerifier(job.verifier).acceptanceSuffices()) revert AcceptanceNotEnough(jobId, job.verifier);
        _requireSignature(job.buyer, acceptanceDigest(acceptance), buyerSignature);
        _payOut(jobId, job, JobAction.Accept);
    }

    /// The matcher takes an undelivered job back so that it can be leased anew.
    function release(bytes32 jobId) external {
        Job storage job = _jobs[jobId];
        JobState next = JobStates.next(jobId, job.state, JobAction.Release);
        if (msg.sender != job.matcher) revert NotMatcher(msg.sender, job.matcher);
        _endLease(jobId, job, next, JobAction.Release);
    }

    /// Takes the job from a provider that delivered a wrong output: the evidence must prove another one. Whoever chose the
    /// model's key may be able to forge it, so it costs the provider its pay, and of its stake what it put at risk itself
    /// under this key before the lease (`ProviderRegistry.putAtRisk`).
    function refute(bytes32 jobId, uint256 provenOutput, bytes calldata evidence) external nonReentrant {
        Job storage job = _jobs[jobId];
        JobState next = JobStates.next(jobId, job.state, JobAction.Refute);
        if (job.state == JobState.Delivered) _requireBeforeSettleBy(jobId, job);
        else if (block.timestamp >= job.pendingUntil) {
            revert ChallengeWindowOver(jobId, job.pendingUntil, block.timestamp);
        }
        if (job.jobKind != JOB_KIND_INFERENCE) revert NotRefuted(jobId, "not-an-inference");
        if (provenOutput == job.output) revert OutputAsDelivered(jobId, provenOutput);
        (, bytes32 verifyingKeyHash) = Refutations.statementOf(job.verifier, job.modelId);
        if (verifyingKeyHash == bytes32(0)) revert NotRefuted(jobId, "verifier-does-not-check");
        Verdict memory verdict = IResultVerifier(job.verifier).verify(_claim(jobId, job, provenOutput), evidence);
        if (verdict.outcome != Outcome.Final) revert NotRefuted(jobId, verdict.reason);
        (address provider, uint128 atRiskWei) = (job.provider, job.stakeAtRiskWei);
        _endLease(jobId, job, next, JobAction.Refute);
        if (atRiskWei != 0) providers.slash(provider, atRiskWei);
    }

    /// Gives the buyer its money back when a deadline passed: nobody leased, delivered or settled in time.
    function refund(bytes32 jobId) external nonReentrant {
        Job storage job = _jobs[jobId];
        JobAction action = job.state == JobState.Funded ? JobAction.RefundUnleased : JobAction.RefundUnsettled;
        JobState next = JobStates.next(jobId, job.state, action);
        uint64 until = _refundableAfter(job);
        if (block.timestamp <= until) revert NotRefundableYet(jobId, until, block.timestamp);

        job.state = next;
        uint256 amountWei = job.maxPriceWei;
        totalEscrowedWei -= amountWei;
        _pay(jobId, PaymentKind.Refund, job.buyer, amountWei);
        emit JobRefunded(jobId, job.buyer, amountWei, action);
    }

    /// All zero for an unknown job.
    function jobOf(bytes32 jobId) external view returns (Job memory) {
        return _jobs[jobId];
    }

    function stateOf(bytes32 jobId) external view returns (JobState) {
        return _jobs[jobId].state;
    }

    /// Unix seconds after which `refund` works, 0 where it never does: in `Pending` time runs for the provider.
    function refundableAfter(bytes32 jobId) external view returns (uint64) {
        return _refundableAfter(_jobs[jobId]);
    }

    /// What the verifier would be asked about the delivered output.
    function claimOf(bytes32 jobId) external view returns (ResultClaim memory) {
        Job storage job = _jobs[jobId];
        return _claim(jobId, job, job.output);
    }

    function _requireOrder(Order calldata order, bytes32 jobId) private view {
        if (block.timestamp > order.leaseBy) revert LeaseTooLate(jobId, order.leaseBy, block.timestamp);
        if (order.leaseBy > block.timestamp + MAX_PHASE_SECONDS) {
            revert PhaseOutOfRange(order.leaseBy - uint64(block.timestamp), MAX_PHASE_SECONDS);
        }
        _requirePhase(order.deliverWithinSeconds);
        _requirePhase(order.settleWithinSeconds);
        if (order.maxPriceWei == 0) revert PriceCapMissing();
        PaymentSplit.requireAmount(order.maxPriceWei);
        if (!registry.isResultVerifier(order.verifier)) revert VerifierNotListed(order.verifier);
        if (order.jobKind != JOB_KIND_TRAINING && order.jobKind != JOB_KIND_INFERENCE) {
            revert JobKindUnknown(order.jobKind);
        }
        if (order.modelId == 0) {
            if (order.jobKind == JOB_KIND_INFERENCE) revert ModelRequired();
        } else if (!models.isLicensed(order.modelId, order.licenceId, order.buyer)) {
            revert LicenceRequired(order.modelId, order.licenceId, order.buyer);
        }
    }

    function _requirePhase(uint64 givenSeconds) private pure {
        if (givenSeconds == 0 || givenSeconds > MAX_PHASE_SECONDS) revert PhaseOutOfRange(givenSeconds, MAX_PHASE_SECONDS);
    }

    function _emitOpened(bytes32 jobId, Order calldata order) private {
        emit JobOpened(
            jobId,
            order.buyer,
            order.modelId,
            order.jobKind,
            order.licenceId,
            order.requestHash,
            order.inputCommitment,
            order.verifier,
            order.matcher,
            order.maxPriceWei,
            order.leaseBy
        );
        emit JobPayment(jobId, PaymentKind.Escrow, order.buyer, order.maxPriceWei);
    }

    function _payOut(bytes32 jobId, Job storage job, JobAction action) private {
        job.state = JobStates.next(jobId, job.state, action);
        uint256 maxPriceWei = job.maxPriceWei;
        totalEscrowedWei -= maxPriceWei;
        (Cost memory cost, address royaltyReceiver) = _costOf(job);
        (uint256 burnedWei, uint256 treasuryWei) = PaymentSplit.halveFee(cost.protocolFeeWei);
        emit JobSettled(jobId, job.buyer, job.provider, job.fencingToken, job.outputHash, action);

        _pay(jobId, PaymentKind.Provider, job.provider, job.providerPriceWei);
        _pay(jobId, PaymentKind.Prover, job.prover, job.proverFeeWei);
        _pay(jobId, PaymentKind.Royalty, royaltyReceiver, cost.royaltyWei);
        _pay(jobId, PaymentKind.ProtocolFeeTreasury, treasury, treasuryWei);
        _pay(jobId, PaymentKind.Refund, job.buyer, maxPriceWei - cost.totalWei);
        if (burnedWei != 0) {
            emit JobPayment(jobId, PaymentKind.ProtocolFeeBurned, token.BURN_SINK(), burnedWei);
            token.burn(burnedWei);
        }
    }

    function _pay(bytes32 jobId, PaymentKind kind, address account, uint256 amountWei) private {
        if (amountWei == 0) return;
        _credit(account, amountWei);
        emit JobPayment(jobId, kind, account, amountWei);
    }

    function _endLease(bytes32 jobId, Job storage job, JobState next, JobAction action) private {
        emit JobReleased(jobId, job.provider, job.fencingToken, action);
        job.state = next;
        job.provider = address(0);
        job.deliverBy = 0;
        job.prover = address(0);
        job.deliveredAt = 0;
        job.providerPriceWei = 0;
        job.proverFeeWei = 0;
        job.output = 0;
        job.outputHash = bytes32(0);
        job.pendingUntil = 0;
        job.stakeAtRiskWei = 0;
    }

    /// Kept with the lease: what the provider says later changes nothing for it.
    function _noteStakeAtRisk(bytes32 jobId, Job storage job) private {
        (bytes32 modelCommitment, bytes32 verifyingKeyHash) = Refutations.statementOf(job.verifier, job.modelId);
        if (verifyingKeyHash == bytes32(0)) return;
        uint128 maximumWei = providers.atRiskWei(job.provider, job.verifier, modelCommitment, verifyingKeyHash);
        if (maximumWei == 0) return;
        job.stakeAtRiskWei = maximumWei;
        emit LeaseStakeAtRisk(jobId, job.provider, job.fencingToken, modelCommitment, verifyingKeyHash, maximumWei);
    }

    function _requireBeforeSettleBy(bytes32 jobId, Job storage job) private view {
        uint64 settleBy = _settleBy(job);
        if (block.timestamp > settleBy) revert SettlementTooLate(jobId, settleBy, block.timestamp);
    }

    function _settleBy(Job storage job) private view returns (uint64) {
        return job.deliveredAt + job.settleWithinSeconds;
    }

    function _refundableAfter(Job storage job) private view returns (uint64) {
        if (job.state == JobState.Funded) return job.leaseBy;
        if (job.state == JobState.Leased) return job.leaseBy > job.deliverBy ? job.leaseBy : job.deliverBy;
        if (job.state == JobState.Delivered) return _settleBy(job);
        return 0;
    }

    function _costOf(Job storage job) private view returns (Cost memory cost, address royaltyReceiver) {
        PriceTerms memory terms;
        terms.providerPriceWei = job.providerPriceWei;
        terms.proverFeeWei = job.proverFeeWei;
        terms.protocolFeeBps = protocolFeeBps;
        if (job.modelId != 0) (royaltyReceiver, terms.usageFeeWei, terms.royaltyBps) = models.usageTermsOf(job.modelId);
        cost = PaymentSplit.cost(terms);
    }

    function _claim(bytes32 jobId, Job storage job, uint256 output) private view returns (ResultClaim memory) {
        return
            ResultClaim({
                escrow: address(this),
                jobId: jobId,
                requester: job.buyer,
                provider: job.provider,
                modelId: job.modelId,
                inputCommitment: job.inputCommitment,
                output: output,
                outputHash: job.outputHash,
                deliveredAt: job.deliveredAt
            });
    }
}
