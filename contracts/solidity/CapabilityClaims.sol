// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IModelTerms} from "./interfaces/IModelTerms.sol";
import {IResultVerifier, Outcome, ResultClaim, Verdict} from "./interfaces/IResultVerifier.sol";

/// What models can do, by proofs: "of n samples drawn at random from this committed test set, at least m are classified
/// right". A claim goes through four steps, each once:
///
/// 1. anybody publishes a test set: the Merkle root over its committed, salted inputs with their labels, and how many classes
///    the labels tell apart (`publishTestSet`); it is known by publisher and root, so that nobody can take another's root;
/// 2. somebody other than the owner offers to draw: commits to a secret (`offerDraw`);
/// 3. the model's owner claims, naming test set, numbers and draw (`claim`); the secret is opened (`reveal`) and gives,
///    with the hash of the claim's block, the samples: neither side could choose them alone;
/// 4. the owner answers each drawn sample with a proof of the model's output for it (`answer`), as many a transaction as
///    fit; a question that is answered stays so.
///
/// All claims of a model stay in the list, those that were given up too: whoever reads one sees how often was tried.
contract CapabilityClaims {
    struct TestSet {
        uint64 publishedAt;
        uint32 size;
        /// What outputs are read as logits of: the labels' meaning is the publisher's word, so this is not the claimant's.
        uint8 classes;
    }

    struct Draw {
        address drawer;
        /// 0 until a claim has taken it.
        uint64 claimId;
        bytes32 secretHash;
    }

    struct Claim {
        address owner;
        uint64 blockNumber;
        uint32 testSetSize;
        uint128 modelId;
        uint64 drawId;
        uint16 drawCount;
        uint16 minimumCorrect;
        uint16 answered;
        uint16 correct;
        uint8 classes;
        IResultVerifier verifier;
        address publisher;
        bytes32 testSetRoot;
        /// 0 until the secret is opened.
        bytes32 seed;
        /// Bit `position` is set when that question is answered.
        uint256 answeredBits;
    }

    struct Answer {
        uint16 position;
        uint256 inputCommitment;
        uint8 label;
        bytes32[] path;
        /// The logits, packed as cores/zkml/src/output-packing.ts does.
        uint256 output;
        bytes evidence;
    }

    uint16 public constant MAXIMUM_DRAWS = 256;
    /// As `MAX_OUTPUTS` of cores/zkml/src/model-limits.ts.
    uint8 public constant MAXIMUM_CLASSES = 31;

    IModelTerms public immutable models;
    /// Those whose word is a proof; the model's verifying key fits one of them.
    IResultVerifier public immutable groth16;
    IResultVerifier public immutable honk;

    uint64 public claimCount;
    uint64 public drawCount;
    mapping(address publisher => mapping(bytes32 root => TestSet)) public testSets;
    mapping(uint64 drawId => Draw) public draws;
    mapping(uint64 claimId => Claim) private _claims;
    mapping(uint256 modelId => uint64[]) private _claimsOfModel;

    event TestSetPublished(
        bytes32 indexed root,
        address indexed publisher,
        uint32 size,
        uint8 classes,
        string description
    );
    event DrawOffered(uint64 indexed drawId, address indexed drawer, bytes32 secretHash);
    event CapabilityClaimed(
        uint64 indexed claimId,
        uint256 indexed modelId,
        bytes32 indexed testSetRoot,
        address publisher,
        uint64 drawId,
        uint16 drawCount,
        uint16 minimumCorrect
    );
    event SamplesDrawn(uint64 indexed claimId, bytes32 seed);
    event QuestionAnswered(uint64 indexed claimId, uint16 position, uint256 index, uint8 label, uint8 predicted);
    event CapabilityProven(uint64 indexed claimId, uint256 indexed modelId, uint16 correct, uint16 answered);

    error TestSetEmpty();
    error TestSetKnown(address publisher, bytes32 root);
    error TestSetUnknown(address publisher, bytes32 root);
    error ClassesOutOfRange(uint8 classes);
    error DrawUnknown(uint64 drawId);
    error DrawTaken(uint64 drawId, uint64 claimId);
    error DrawnByOwner(address owner);
    error NotModelOwner(address caller, address owner);
    error VerifierProvesNothing(address verifier);
    error NumbersOutOfRange(uint16 drawCount, uint16 minimumCorrect);
    error ClaimUnknown(uint64 claimId);
    error SecretMismatch(uint64 claimId);
    error SamplesAlreadyDrawn(uint64 claimId);
    error SamplesNotDrawn(uint64 claimId);
    error DrawTooEarly(uint64 claimId, uint64 blockNumber);
    error DrawTooLate(uint64 claimId, uint64 blockNumber);
    error PositionOutOfRange(uint16 position, uint16 drawCount);
    error SampleNotInTestSet(uint16 position, uint256 index);
    error AnswerRefused(uint16 position, bytes32 reason);

    constructor(IModelTerms models_, IResultVerifier groth16_, IResultVerifier honk_) {
        models = models_;
        groth16 = groth16_;
        honk = honk_;
    }

    /// What a publisher said of a root stays so. `size` is what the publisher says: a drawn index without a sample cannot be
    /// answered, so that a size above the real one only hurts the claim.
    function publishTestSet(bytes32 root, uint32 size, uint8 classes, string calldata description) external {
        if (root == bytes32(0) || size == 0) revert TestSetEmpty();
        if (classes < 2 || classes > MAXIMUM_CLASSES) revert ClassesOutOfRange(classes);
        if (testSets[msg.sender][root].size != 0) revert TestSetKnown(msg.sender, root);
        testSets[msg.sender][root] = TestSet(uint64(block.timestamp), size, classes);
        emit TestSetPublished(root, msg.sender, size, classes, description);
    }

    /// `secretHash` = keccak256 of 32 random bytes, opened by `reveal` within 256 blocks of the claim that takes the draw.
    function offerDraw(bytes32 secretHash) external returns (uint64 drawId) {
        drawId = ++drawCount;
        draws[drawId] = Draw(msg.sender, 0, secretHash);
        emit DrawOffered(drawId, msg.sender, secretHash);
    }

    function claim(
        uint256 modelId,
        IResultVerifier verifier,
        address publisher,
        bytes32 testSetRoot,
        uint16 drawn,
        uint16 minimumCorrect,
        uint64 drawId
    ) external returns (uint64 claimId) {
        (address owner, , ) = models.usageTermsOf(modelId);
        if (msg.sender != owner) revert NotModelOwner(msg.sender, owner);
        if (address(verifier) != address(groth16) && address(verifier) != address(honk)) {
            revert VerifierProvesNothing(address(verifier));
        }
        if (drawn > MAXIMUM_DRAWS || minimumCorrect == 0 || minimumCorrect > drawn) {
            revert NumbersOutOfRange(drawn, minimumCorrect);
        }
        TestSet storage testSet = testSets[publisher][testSetRoot];
        if (testSet.size == 0) revert TestSetUnknown(publisher, testSetRoot);
        Draw storage draw = draws[drawId];
        if (draw.drawer == address(0)) revert DrawUnknown(drawId);
        if (draw.claimId != 0) revert DrawTaken(drawId, draw.claimId);
        if (draw.drawer == owner) revert DrawnByOwner(owner);

        claimId = ++claimCount;
        draw.claimId = claimId;
        Claim storage made = _claims[claimId];
        made.owner = owner;
        made.blockNumber = uint64(block.number);
        made.testSetSize = testSet.size;
        made.modelId = uint128(modelId);
        made.drawId = drawId;
        made.drawCount = drawn;
        made.minimumCorrect = minimumCorrect;
        made.classes = testSet.classes;
        made.verifier = verifier;
        made.publisher = publisher;
        made.testSetRoot = testSetRoot;
        _claimsOfModel[modelId].push(claimId);
        emit CapabilityClaimed(claimId, modelId, testSetRoot, publisher, drawId, drawn, minimumCorrect);
    }

    /// Draws the samples. Anyone who knows the secret may call.
    function reveal(uint64 claimId, bytes32 secret) external {
        Claim storage made = _known(claimId);
        if (made.seed != bytes32(0)) revert SamplesAlreadyDrawn(claimId);
        if (keccak256(abi.encode(secret)) != draws[made.drawId].secretHash) revert SecretMismatch(claimId);
        if (block.number <= made.blockNumber) revert DrawTooEarly(claimId, made.blockNumber);
        bytes32 blockHash = blockhash(made.blockNumber);
        if (blockHash == bytes32(0)) revert DrawTooLate(claimId, made.blockNumber);
        made.seed = keccak256(abi.encode(claimId, secret, blockHash));
        emit SamplesDrawn(claimId, made.seed);
    }

    /// Takes answers in any order and number; one that is there already is passed over, so that a repeated submission does
    /// nothing. Anyone may submit: what counts are the proofs.
    function answer(uint64 claimId, Answer[] calldata answers) external {
        Claim storage made = _known(claimId);
        if (made.seed == bytes32(0)) revert SamplesNotDrawn(claimId);
        for (uint256 index = 0; index < answers.length; index++) {
            uint16 position = answers[index].position;
            if (position >= made.drawCount) revert PositionOutOfRange(position, made.drawCount);
            if ((made.answeredBits >> position) & 1 == 0) _take(claimId, made, answers[index]);
        }
    }

    function claimOf(uint64 claimId) external view returns (Claim memory) {
        return _known(claimId);
    }

    /// All claims about a model, also those that came to nothing.
    function claimsOf(uint256 modelId) external view returns (uint64[] memory) {
        return _claimsOfModel[modelId];
    }

    /// Index in the test set of the sample at a position of the draw; samples may be drawn twice.
    function indexAt(uint64 claimId, uint16 position) external view returns (uint256) {
        Claim storage made = _known(claimId);
        if (made.seed == bytes32(0)) revert SamplesNotDrawn(claimId);
        return _indexAt(made, position);
    }

    /// What stands for the job in the proof's statement.
    function questionId(uint64 claimId, uint16 position) public pure returns (bytes32) {
        return keccak256(abi.encode(claimId, position));
    }

    function _take(uint64 claimId, Claim storage made, Answer calldata given) private {
        uint256 index = _indexAt(made, given.position);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(index, given.inputCommitment, given.label))));
        if (!MerkleProof.verifyCalldata(given.path, made.testSetRoot, leaf)) {
            revert SampleNotInTestSet(given.position, index);
        }
        Verdict memory verdict = made.verifier.verify(
            ResultClaim({
                escrow: address(this),
                jobId: questionId(claimId, given.position),
                requester: made.owner,
                provider: made.owner,
                modelId: made.modelId,
                inputCommitment: given.inputCommitment,
                output: given.output,
                outputHash: keccak256(abi.encode(given.output)),
                deliveredAt: 0
            }),
            given.evidence
        );
        if (verdict.outcome != Outcome.Final) revert AnswerRefused(given.position, verdict.reason);

        uint8 predicted = _largestLogit(given.output, made.classes);
        made.answeredBits |= 1 << given.position;
        made.answered++;
        emit QuestionAnswered(claimId, given.position, index, given.label, predicted);
        if (predicted != given.label) return;
        made.correct++;
        if (made.correct == made.minimumCorrect) {
            emit CapabilityProven(claimId, made.modelId, made.correct, made.answered);
        }
    }

    function _known(uint64 claimId) private view returns (Claim storage made) {
        made = _claims[claimId];
        if (made.owner == address(0)) revert ClaimUnknown(claimId);
    }

    function _indexAt(Claim storage made, uint16 position) private view returns (uint256) {
        return uint256(keccak256(abi.encode(made.seed, position))) % made.testSetSize;
    }

    /// The first of equals, as `argmax` of cores/zkml/src/evaluator.ts. Packed logits are shifted, which keeps their order.
    function _largestLogit(uint256 packed, uint8 classes) private pure returns (uint8 largest) {
        uint256 bits = 253 / uint256(classes);
        if (bits > 32) bits = 32;
        uint256 mask = (1 << bits) - 1;
        uint256 best = packed & mask;
        for (uint8 class = 1; class < classes; class++) {
            uint256 logit = (packed >> (bits * class)) & mask;
            if (logit > best) (best, largest) = (logit, class);
        }
    }
}
