import { z } from "zod";

const hexText = z
  .string()
  .regex(/^0x[0-9a-fA-F]*$/)
  .transform((text) => text.toLowerCase());

/** What we read of a block; the rest is ignored. */
export const rpcBlock = z.object({
  number: hexText,
  hash: hexText,
  parentHash: hexText,
  timestamp: hexText,
  baseFeePerGas: hexText.optional(),
  transactions: z.array(hexText),
});
export type RpcBlock = z.infer<typeof rpcBlock>;

export const rpcReceipt = z.object({
  blockHash: hexText,
  status: hexText,
  gasUsed: hexText,
  logs: z.array(z.object({ address: hexText, topics: z.array(hexText), data: hexText, logIndex: hexText })),
});
export type RpcReceipt = z.infer<typeof rpcReceipt>;
