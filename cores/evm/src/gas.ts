/** Gas amounts (Yellow Paper appendix G), by the EIP that set them last. */
export const GAS = {
  transaction: 21_000,
  transactionCreate: 32_000,
  dataZero: 4,
  /** EIP-2028 */
  dataNonZero: 16,
  /** EIP-7623 */
  floorPerToken: 10,
  /** EIP-2930 */
  accessListAddress: 2_400,
  accessListSlot: 1_900,
  /** EIP-7702 */
  authorization: 25_000,
  authorizationRefund: 12_500,
  /** EIP-2929 */
  coldAccount: 2_600,
  coldSlot: 2_100,
  warm: 100,
  /** EIP-2200 with EIP-2929 */
  slotSet: 20_000,
  slotReset: 2_900,
  sstoreSentry: 2_300,
  /** EIP-2200, then EIP-3529 */
  slotClearRefundBerlin: 15_000,
  slotClearRefund: 4_800,
  selfdestructRefundBerlin: 24_000,
  memoryWord: 3,
  copyWord: 3,
  keccakWord: 6,
  /** EIP-3860 */
  initCodeWord: 2,
  logByte: 8,
  expByte: 50,
  codeByte: 200,
  callValue: 9_000,
  callStipend: 2_300,
  newAccount: 25_000,
  /** EIP-4844 */
  perBlob: 131_072,
} as const;

export const LIMITS = {
  /** EIP-170 */
  codeBytes: 24_576,
  /** EIP-3860 */
  initCodeBytes: 49_152,
  callDepth: 1_024,
  stackWords: 1_024,
  /** EIP-7825 */
  transactionGas: 16_777_216,
  /** EIP-7594 */
  blobsPerTransaction: 6,
  /** EIP-2681 */
  nonce: 0xffff_ffff_ffff_ffffn,
} as const;
