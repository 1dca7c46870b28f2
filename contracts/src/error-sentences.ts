/**
 * One sentence that says what to do, for every custom error of our contracts and of the OpenZeppelin code in
 * them. `{name}` is replaced by the error's argument: wei as AIOS, unix seconds as a date, enums by name.
 */
export const ERROR_SENTENCES: Readonly<Record<string, string>> = {
  AcceptanceMismatch:
    "The acceptance names output hash {given}, but {delivered} was delivered. Sign the acceptance of what was delivered.",
  AcceptanceNotEnough:
    "This job's verifier {verifier} asks for evidence; the buyer's acceptance alone does not settle it. Settle with a proof.",
  AccessControlBadConfirmation:
    "A role can only be renounced by the account that holds it. Send the transaction from that account.",
  AccessControlUnauthorizedAccount:
    "Account {account} does not hold the role {neededRole}. Use the account that does, or have the role granted.",
  AlreadyConsumed:
    "This signed action ({digest}) was carried out before. Nothing is left to do; sign a new one with another nonce to do it again.",
  AlreadyPublished:
    "{owner} has published this model before, as model {modelId}. Use that one, or publish under another commitment.",
  AlreadyRegistered: "The contract {contractAddress} is registered already. Look it up by its address.",
  AlreadyReported: "{node} was reported for day {day} before. Nothing is left to do.",
  AmountOutOfRange: "The amount of {amountWei} is above the largest one allowed. Use a smaller amount.",
  AnswerRefused: "The proof of drawn sample {position} does not hold: {reason}.",
  BadSignature:
    "The signature is not {expectedSigner}'s over {digest}. Sign exactly this typed data, for this chain and contract, with that account's key.",
  BatchEmpty: "A batch needs a root and at least one receipt.",
  BatchOutOfOrder:
    "Batch {given} was submitted, but the next one is {expected}. Submit batches in order, each once.",
  BatchUnknown: "There is no batch {batch}.",
  ChallengeWindowOpen:
    "The result is final from {pendingUntil} on, or earlier when the buyer accepts it. Try again then.",
  ChallengeWindowOver: "The result was final from {pendingUntil} on; it can no longer be refuted.",
  ChallengeWindowTooLong:
    "The verifier asks to wait until {pendingUntil}, longer than allowed. Order with another verifier.",
  CheckpointUnorderedInsertion: "The chain's time went backwards. This is a fault of the chain; report it.",
  ClassesOutOfRange: "A test set tells 2 to 31 classes apart, not {classes}.",
  ClaimUnknown: "There is no capability claim {claimId}.",
  CommitmentMissing: "A publication needs a model commitment and a verifying-key hash, both not zero.",
  ContentCidLength: "The content CID has {bytesGiven} bytes; it must have 1 to {maximumBytes}.",
  ContractUnknown:
    "The registry has no contract '{name}' in version {version}. Deploy the contracts, or correct the name.",
  Create2EmptyBytecode: "The code to deploy is empty. Compile the contracts and deploy again.",
  DayNotOver: "Day {day} is not over. Report its downtime when it is.",
  DayNotSettled: "The reports of day {day} can still be disputed. Settle them later.",
  DaySettled: "Day {day} is settled: nothing can be reported or declared for it any more.",
  DeliveryTooLate: "The delivery deadline was {deliverBy}. The job has to be leased anew, or is refunded.",
  DepositTooLow: "The deposit is {depositWei}, but {neededWei} is needed. Deposit more.",
  DowntimeTolerated:
    "A downtime of {downtimeBps} basis points is not charged: up to {toleratedBps} is tolerated, and no day has more than 10,000.",
  DrawnByOwner: "{owner} owns the model: somebody else has to draw the samples.",
  DrawTaken: "Draw {drawId} belongs to claim {claimId} already. Ask for another one.",
  DrawTooEarly:
    "Claim {claimId} stands in block {blockNumber}: its samples can be drawn from the next block on.",
  DrawTooLate:
    "The secret had to be opened within 256 blocks of claim {claimId} in block {blockNumber}. Claim again.",
  DrawUnknown: "There is no draw {drawId}.",
  ECDSAInvalidSignature: "The signature is malformed. Sign the typed data again.",
  ECDSAInvalidSignatureLength: "The signature has {length} bytes instead of 65. Sign the typed data again.",
  ECDSAInvalidSignatureS:
    "The signature's s is in the upper half of the curve's order, which is not accepted. Sign again with a standard wallet.",
  EndpointTooLong:
    "The endpoint has {bytesGiven} bytes, and {bytesAllowed} are allowed. Give host:port alone.",
  ERC20ExceededSafeSupply: "The supply of wrapped AIOS would exceed what votes can count.",
  ERC20InsufficientAllowance:
    "{spender} may spend {allowance} but {needed} is needed. Approve or permit the amount first.",
  ERC20InsufficientBalance:
    "{sender} has {balance} of wrapped AIOS, but {needed} is needed. Wrap more AIOS first.",
  ERC20InvalidApprover: "The zero address cannot approve. Name a real account.",
  ERC20InvalidReceiver: "{receiver} cannot receive wrapped AIOS. Name another account.",
  ERC20InvalidSender: "{sender} cannot send wrapped AIOS. Name another account.",
  ERC20InvalidSpender: "{spender} cannot be a spender. Name another account.",
  ERC2612ExpiredSignature: "The permit expired at {deadline}. Sign a new one.",
  ERC2612InvalidSigner:
    "The permit was signed by {signer} instead of {owner}, or under another nonce. Sign it again.",
  ERC5805FutureLookup: "Votes at {timepoint} are not known yet. Ask for a time in the past.",
  ERC721IncorrectOwner: "{sender} does not own licence {tokenId}; {owner} does.",
  ERC721InsufficientApproval:
    "{operator} may not move licence {tokenId}. Its owner has to approve that first.",
  ERC721InvalidApprover: "{approver} cannot approve. Only a licence's owner or operator can.",
  ERC721InvalidOperator: "{operator} cannot be an operator. Name another account.",
  ERC721InvalidOwner: "{owner} cannot own licences.",
  ERC721InvalidReceiver: "{receiver} cannot receive licences. Name another account.",
  ERC721InvalidSender: "{sender} cannot send licences.",
  ERC721NonexistentToken: "There is no licence {tokenId}.",
  EscrowAdmitted: "{escrow} was admitted before; it may take stakes from {since} on.",
  FailedCall: "The account that is to be paid refused the coins. Name one that takes them.",
  FailedDeployment: "The contract's constructor failed. Check the parameters of the deployment.",
  FeeOutOfRange:
    "{bps} basis points is no valid share: at most 10000, and the minimum not above the maximum.",
  InsufficientAllowance:
    "{owner} lets {spender} take {allowanceWei}, but {neededWei} is needed, and the permit did not raise it: it may be expired, signed under another nonce or for another amount. Sign a new permit.",
  InsufficientBalance: "A balance of {balance} does not cover the {needed} that are needed.",
  InvalidAccountNonce: "The next nonce of {account} is {currentNonce}. Sign again with it.",
  InvalidShortString:
    "A text constant of the contract is malformed. This is a fault of the contract; report it.",
  JobKindUnknown: "Job kind {jobKind} is not known; 1 is training, 2 is inference.",
  KeyRefused: "The verifying key is not one that this verifier takes ({reason}).",
  KeyTaken: "The voting key {publicKey} was registered before. Make a new one; keys are never used twice.",
  LeaseTooLate: "The order had to be leased by {leaseBy}. Have the money refunded and order anew.",
  LicenceRequired:
    "{buyer} does not own licence {licenceId} of model {modelId}. Buy a licence of this model first.",
  ModelRequired: "An inference needs a model. Name the model and the licence.",
  ModelUnknown: "There is no model {modelId}.",
  NameEmpty: "A contract needs a name.",
  NativeTransferFailed:
    "{to} refused {amountWei} of native AIOS. Withdraw to an account that can receive it.",
  NodeConvicted: "{node} was slashed for proven malice and cannot join again.",
  NodeIsUnbonding:
    "{node} is leaving; its deposit is free from {unbondedAt} on. Take it out and register anew.",
  NodeStillBonded:
    "The deposit of {node} is bound until {unbondedAt}, or until it leaves. Unbond first, then wait.",
  NodeKeyMissing: "A node has a key by which its peers know it: name one that is not zero.",
  NodeUnknown: "{node} is not a registered honor node. Register it first, or correct the account or key.",
  NotAContract: "There is no code at {contractAddress}. Deploy it first.",
  NotJailed: "{node} is not suspended. Nothing is left to do.",
  NotMatcher: "Only the matcher that the order names, {matcher}, may do this, not {caller}.",
  NotModelOwner: "{caller} does not own the model; {owner} does.",
  NotRefundableYet: "The money can be refunded after {refundableAfter}. Try again then.",
  NotRefuted: "The evidence does not prove that the delivered output is wrong ({reason}).",
  NotRegistryOwner: "{caller} is not the contract registry's owner, who alone may do this.",
  NotReported: "{node} has no open report for day {day}.",
  NotSignedByAccused:
    "Statement {statement} is not signed by the accused's key. Show what the node signed, on this chain.",
  NothingToWithdraw: "Nothing is credited to {account}.",
  NumbersOutOfRange:
    "A claim draws at most 256 samples, and asks for 1 or more of them to be right; not {drawCount} and {minimumCorrect}.",
  OutputAsDelivered: "The evidence is for the output that was delivered. Settle with it instead.",
  OutputHashMismatch:
    "The delivery's output hash {given} is not the hash of its output, {expected}. Sign a correct delivery.",
  OwnableInvalidOwner: "{owner} cannot be the owner. Name another account.",
  OwnableUnauthorizedAccount: "{account} is not the owner. Use the owner's account.",
  ParameterOutOfRange: "A parameter of the contract is out of its range. Correct it and deploy again.",
  PhaseOutOfRange:
    "A deadline of {givenSeconds} seconds is out of range; 1 to {maximumSeconds} seconds are allowed.",
  PointAtInfinity: "The identity is no public key. Make a key from a random secret.",
  PointLength: "A curve point has {bytesGiven} bytes instead of {bytesNeeded}. Encode it as EIP-2537 says.",
  PositionOutOfRange: "Position {position} was not drawn; there are {drawCount}.",
  PossessionNotProven:
    "The proof does not show that the key's secret is known. Sign `possessionMessage` of the key and the sending account under the domain of proofs of possession.",
  PrecompileFailed:
    "The precompile {precompile} refused a point: it is not on the curve or not in its subgroup.",
  PriceAboveCap:
    "The job would cost {totalWei}, above the order's cap of {maxPriceWei}. Choose a cheaper offer or raise the cap.",
  PriceAboveMaximum:
    "The licence costs {priceWei}, above the {maxPriceWei} that the buyer agreed to. Sign again for the present price.",
  PriceCapMissing: "The order's price cap is zero. Set a cap.",
  ProofRefused: "The proof does not hold ({reason}).",
  ProverMissing: "The terms pay a prover but name none.",
  ProviderIsUnbonding:
    "{provider} is leaving; its stake is free from {unbondedAt} on. It may register anew after taking it out.",
  ProviderNotActive: "{provider} is not registered with a stake, or is leaving. Choose another provider.",
  ProviderUnknown: "{provider} is not registered.",
  RatioOutOfRange: "A deposit ratio of {ratioBps} basis points is outside 1,000 to 3,000.",
  ReentrancyGuardReentrantCall: "The contract was called from within itself, which it refuses.",
  ResultInvalid:
    "The verifier refused the result: {reason}. Submit valid evidence for exactly this job and output.",
  RoyaltyOutOfRange:
    "A royalty of {bps} basis points is out of range; {minimumBps} to {maximumBps} are allowed.",
  SafeCastOverflowedUintDowncast: "{value} does not fit in {bits} bits. Use a smaller number.",
  SafeERC20FailedOperation: "The token {token} refused the transfer.",
  SampleNotInTestSet:
    "What was given for position {position} is not sample {index} of the committed test set.",
  SamplesAlreadyDrawn: "The samples of claim {claimId} are drawn already.",
  SamplesNotDrawn: "The samples of claim {claimId} are not drawn yet: the drawer has to open its secret.",
  SecretMismatch: "This is not the secret that the draw of claim {claimId} committed to.",
  SettlementTooLate: "The result had to be settled by {settleBy}. The buyer's money can be refunded.",
  SignatureExpired: "The signature was good until {deadline}. Sign again with a later deadline.",
  StakeTooLow: "A stake of {stakeWei} is below the minimum of {minimumWei}. Stake more.",
  StaleFencingToken:
    "Fencing token {given} was overtaken; the live one is {live}. The lease has ended, nothing may be done under it.",
  StatementMissing: "Verifier, model commitment and key hash are needed: stake is at risk under a statement.",
  StatementsAgree: "The two statements are the same: they prove nothing.",
  StillBonded:
    "The stake of {provider} is not free: unbonding has to be started first and ends at {unbondedAt}.",
  StringTooLong: "A text constant of the contract is too long. This is a fault of the contract; report it.",
  TermsExpired: "The provider's terms had to be used by {acceptBy}. Ask for new terms.",
  TestSetEmpty: "A test set needs a root and a sample.",
  TestSetKnown: "{publisher} has published the test set {root} already.",
  TestSetUnknown: "{publisher} has published no test set {root}.",
  TransitionNotAllowed:
    "The job is in state {from}, which does not allow '{action}'. Read the job's state; it may be done already.",
  VerifierNotListed:
    "{verifier} is not a result verifier of this protocol. Name one that the registry lists.",
  VerifierProvesNothing: "{verifier} is no verifier of proofs.",
  VersionOutOfOrder:
    "Version {given} of '{name}' was given, but the next one is {expected}. It may be deployed already.",
  VotesExpiredSignature: "The delegation expired at {expiry}. Sign a new one.",
  ZeroAddress: "An address is missing in the deployment's parameters.",
};
