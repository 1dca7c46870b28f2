// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {PaymentSplit} from "./base/PaymentSplit.sol";
import {PullPayments} from "./base/PullPayments.sol";
import {OneTimeActions} from "./base/OneTimeActions.sol";
import {TokenPermit, TokenPermits} from "./base/TokenPermits.sol";
import {IModelTerms} from "./interfaces/IModelTerms.sol";
import {WrappedAios} from "./WrappedAios.sol";

/// Models with their commitments and terms, and the licences to use them: one ERC-721 token is one licence.
contract ModelLicence is ERC721, IERC2981, IModelTerms, OneTimeActions, PullPayments {
    struct ModelPublication {
        address owner;
        bytes32 modelCommitment;
        /// Of the Groth16 key.
        bytes32 verifyingKeyHash;
        /// Of the UltraHonk key; zero where the model has none.
        bytes32 honkKeyHash;
        /// Of the ceremony that made the key; zero for a key that one party alone made and could forge for.
        bytes32 ceremonyTranscriptHash;
        string contentCid;
        uint256 licencePriceWei;
        uint256 usageFeeWei;
        uint16 royaltyBps;
        uint256 nonce;
        uint64 deadline;
    }

    struct LicencePurchase {
        address buyer;
        uint256 modelId;
        uint256 maxPriceWei;
        uint256 nonce;
        uint64 deadline;
    }

    struct Model {
        address owner;
        uint16 royaltyBps;
        uint64 publishedAt;
        uint128 licencePriceWei;
        uint128 usageFeeWei;
        bytes32 modelCommitment;
        bytes32 verifyingKeyHash;
        bytes32 honkKeyHash;
        bytes32 ceremonyTranscriptHash;
        string contentCid;
    }

    bytes32 public constant PUBLICATION_TYPEHASH =
        keccak256(
            "ModelPublication(address owner,bytes32 modelCommitment,bytes32 verifyingKeyHash,bytes32 honkKeyHash,bytes32 ceremonyTranscriptHash,string contentCid,uint256 licencePriceWei,uint256 usageFeeWei,uint16 royaltyBps,uint256 nonce,uint64 deadline)"
        );
    bytes32 public constant PURCHASE_TYPEHASH =
        keccak256("LicencePurchase(address buyer,uint256 modelId,uint256 maxPriceWei,uint256 nonce,uint64 deadline)");

    uint256 public constant MAX_CONTENT_CID_BYTES = 128;

    uint256 public immutable minimumRoyaltyBps;
    uint256 public immutable maximumRoyaltyBps;

    uint256 public modelCount;
    uint256 public licenceCount;
    mapping(uint256 modelId => Model) private _models;
    mapping(uint256 licenceId => uint256 modelId) private _modelOfLicence;
    /// 0 where this owner has not published this commitment.
    mapping(address owner => mapping(bytes32 modelCommitment => uint256)) public modelIdOf;

    event ModelPublished(
        uint256 indexed modelId,
        address indexed owner,
        bytes32 modelCommitment,
        bytes32 verifyingKeyHash,
        bytes32 honkKeyHash,
        bytes32 ceremonyTranscriptHash,
        string contentCid,
        uint256 licencePriceWei,
        uint256 usageFeeWei,
        uint16 royaltyBps
    );
    event LicencePurchased(
        uint256 indexed licenceId,
        uint256 indexed modelId,
        address indexed buyer,
        uint256 priceWei,
        uint256 feeBurnedWei,
        uint256 feeTreasuryWei
    );

    error RoyaltyOutOfRange(uint256 bps, uint256 minimumBps, uint256 maximumBps);
    error CommitmentMissing();
    error ContentCidLength(uint256 bytesGiven, uint256 maximumBytes);
    error AlreadyPublished(address owner, bytes32 modelCommitment, uint256 modelId);
    error ModelUnknown(uint256 modelId);
    error PriceAboveMaximum(uint256 priceWei, uint256 maxPriceWei);

    constructor(
        WrappedAios token_,
        address treasury_,
        uint256 protocolFeeBps_,
        uint256 minimumRoyaltyBps_,
        uint256 maximumRoyaltyBps_
    ) ERC721("AiOS Model Licence", "AIML") PullPayments(token_, treasury_, protocolFeeBps_) {
        if (minimumRoyaltyBps_ > maximumRoyaltyBps_ || maximumRoyaltyBps_ > PaymentSplit.BPS_DENOMINATOR) {
            revert FeeOutOfRange(maximumRoyaltyBps_);
        }
        minimumRoyaltyBps = minimumRoyaltyBps_;
        maximumRoyaltyBps = maximumRoyaltyBps_;
    }

    /// Publishes a model under terms that never change afterwards. Ids count from 1.
    function publishModel(
        ModelPublication calldata publication,
        bytes calldata ownerSignature
    ) external returns (uint256 modelId) {
        _requirePublishable(publication);
        _consume(publication.owner, publicationDigest(publication), publication.deadline, ownerSignature);

        modelId = ++modelCount;
        modelIdOf[publication.owner][publication.modelCommitment] = modelId;
        _models[modelId] = Model({
            owner: publication.owner,
            royaltyBps: publication.royaltyBps,
            publishedAt: uint64(block.timestamp),
            licencePriceWei: uint128(publication.licencePriceWei),
            usageFeeWei: uint128(publication.usageFeeWei),
            modelCommitment: publication.modelCommitment,
            verifyingKeyHash: publication.verifyingKeyHash,
            honkKeyHash: publication.honkKeyHash,
            ceremonyTranscriptHash: publication.ceremonyTranscriptHash,
            contentCid: publication.contentCid
        });
        emit ModelPublished(
            modelId,
            publication.owner,
            publication.modelCommitment,
            publication.verifyingKeyHash,
            publication.honkKeyHash,
            publication.ceremonyTranscriptHash,
            publication.contentCid,
            publication.licencePriceWei,
            publication.usageFeeWei,
            publication.royaltyBps
        );
    }

    /// Mints a licence to the buyer. The owner is credited the price less the protocol fee.
    function purchaseLicence(
        LicencePurchase calldata purchase,
        bytes calldata buyerSignature,
        TokenPermit calldata permit
    ) external nonReentrant returns (uint256 licenceId) {
        Model storage model = _requireModel(purchase.modelId);
        uint256 priceWei = model.licencePriceWei;
        if (priceWei > purchase.maxPriceWei) revert PriceAboveMaximum(priceWei, purchase.maxPriceWei);
        _consume(purchase.buyer, purchaseDigest(purchase), purchase.deadline, buyerSignature);

        uint256 feeWei = PaymentSplit.protocolFee(priceWei, protocolFeeBps);
        (uint256 feeBurnedWei, uint256 feeTreasuryWei) = PaymentSplit.halveFee(feeWei);
        licenceId = ++licenceCount;
        _modelOfLicence[licenceId] = purchase.modelId;
        _credit(model.owner, priceWei - feeWei);
        _credit(treasury, feeTreasuryWei);
        emit LicencePurchased(licenceId, purchase.modelId, purchase.buyer, priceWei, feeBurnedWei, feeTreasuryWei);

        TokenPermits.pull(token, purchase.buyer, priceWei, permit);
        if (feeBurnedWei != 0) token.burn(feeBurnedWei);
        // Not _safeMint: a buyer signed for it, and a callback into its code would be a way in.
        _mint(purchase.buyer, licenceId);
    }

    /// Reverts with `ModelUnknown`.
    function modelById(uint256 modelId) external view returns (Model memory) {
        return _requireModel(modelId);
    }

    /// 0 for an unknown licence.
    function modelOf(uint256 licenceId) external view returns (uint256) {
        return _modelOfLicence[licenceId];
    }

    function modelCommitment(uint256 modelId) external view returns (bytes32) {
        return _requireModel(modelId).modelCommitment;
    }

    function verifyingKeyHash(uint256 modelId) external view returns (bytes32) {
        return _requireModel(modelId).verifyingKeyHash;
    }

    /// SHA-256 over the transcript of the ceremony that made the verifying key (`transcriptHash` of
    /// cores/groth16/src/ceremony-transcript.ts); zero where there was none.
    function ceremonyTranscriptHash(uint256 modelId) external view returns (bytes32) {
        return _requireModel(modelId).ceremonyTranscriptHash;
    }

    function usageFeeWei(uint256 modelId) external view returns (uint256) {
        return _requireModel(modelId).usageFeeWei;
    }

    /// @inheritdoc IModelTerms
    function statementOf(uint256 modelId) external view returns (bytes32, bytes32) {
        Model storage model = _models[modelId];
        return (model.modelCommitment, model.verifyingKeyHash);
    }

    /// @inheritdoc IModelTerms
    function honkStatementOf(uint256 modelId) external view returns (bytes32, bytes32) {
        Model storage model = _models[modelId];
        return (model.modelCommitment, model.honkKeyHash);
    }

    /// @inheritdoc IModelTerms
    function usageTermsOf(uint256 modelId) external view returns (address, uint256, uint256) {
        Model storage model = _requireModel(modelId);
        return (model.owner, model.usageFeeWei, model.royaltyBps);
    }

    /// @inheritdoc IModelTerms
    function isLicensed(uint256 modelId, uint256 licenceId, address account) external view returns (bool) {
        return modelId != 0 && _modelOfLicence[licenceId] == modelId && _ownerOf(licenceId) == account;
    }

    /// ERC-2981: the royalty of a resale, and who receives it.
    function royaltyInfo(uint256 licenceId, uint256 salePriceWei) external view returns (address, uint256) {
        Model storage model = _requireModel(_modelOfLicence[licenceId]);
        PaymentSplit.requireAmount(salePriceWei);
        return (model.owner, (salePriceWei * model.royaltyBps) / PaymentSplit.BPS_DENOMINATOR);
    }

    function publicationDigest(ModelPublication calldata publication) public view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        PUBLICATION_TYPEHASH,
                        publication.owner,
                        publication.modelCommitment,
                        publication.verifyingKeyHash,
                        publication.honkKeyHash,
                        publication.ceremonyTranscriptHash,
                        keccak256(bytes(publication.contentCid)),
                        publication.licencePriceWei,
                        publication.usageFeeWei,
                        publication.royaltyBps,
                        publication.nonce,
                        publication.deadline
                    )
                )
            );
    }

    function purchaseDigest(LicencePurchase calldata purchase) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(PURCHASE_TYPEHASH, purchase)));
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC2981).interfaceId || super.supportsInterface(interfaceId);
    }

    function _requirePublishable(ModelPublication calldata publication) private view {
        if (publication.royaltyBps < minimumRoyaltyBps || publication.royaltyBps > maximumRoyaltyBps) {
            revert RoyaltyOutOfRange(publication.royaltyBps, minimumRoyaltyBps, maximumRoyaltyBps);
        }
        if (publication.modelCommitment == bytes32(0) || publication.verifyingKeyHash == bytes32(0)) {
            revert CommitmentMissing();
        }
        uint256 cidBytes = bytes(publication.contentCid).length;
        if (cidBytes == 0 || cidBytes > MAX_CONTENT_CID_BYTES) revert ContentCidLength(cidBytes, MAX_CONTENT_CID_BYTES);
        PaymentSplit.requireAmount(publication.licencePriceWei);
        PaymentSplit.requireAmount(publication.usageFeeWei);
        uint256 existing = modelIdOf[publication.owner][publication.modelCommitment];
        if (existing != 0) revert AlreadyPublished(publication.owner, publication.modelCommitment, existing);
    }

    function _requireModel(uint256 modelId) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.owner == address(0)) revert ModelUnknown(modelId);
    }
}
