import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Block, createBlock, paramsBlock } from "@ethereumjs/block";
import {
  type Common,
  createCommonFromGethGenesis,
  type GethGenesis,
  parseGethGenesisState,
} from "@ethereumjs/common";
import { createFeeMarket1559Tx, createLegacyTx, type TypedTransaction } from "@ethereumjs/tx";
import {
  bytesToHex,
  createAddressFromPrivateKey,
  createAddressFromString,
  hexToBytes,
} from "@ethereumjs/util";
import { buildBlock, createVM, type VM } from "@ethereumjs/vm";

export const KEY = hexToBytes(`0x${"45".repeat(32)}`);
export const SENDER = createAddressFromPrivateKey(KEY).toString();
const NO_HASH = `0x${"00".repeat(32)}`;
const GAS = 200_000n;
const PRICE = 3_000_000_000n;

export interface PeerCall {
  readonly to: string;
  readonly data?: Uint8Array;
  readonly value?: bigint;
}

export interface PeerBlock {
  /** In the peer's words, since it is told which rules hold. */
  readonly fork: string;
  readonly timestamp: number;
  readonly calls: readonly PeerCall[];
  readonly withdrawals?: readonly {
    readonly index: number;
    readonly address: string;
    readonly amount: number;
  }[];
  /** Of a block that was mined. */
  readonly difficulty?: bigint;
  readonly feeRecipient?: string;
}

type Hex = `0x${string}`;

/** A chain of Ethereum made by `@ethereumjs/vm`, with its own state, headers and roots. */
export class PeerChain {
  readonly blocks: Block[] = [];
  #nonce = 0n;

  private constructor(
    private readonly genesisJson: object,
    private readonly common: Common,
    private readonly vm: VM,
    genesis: Block,
  ) {
    this.blocks.push(genesis);
  }

  /** `fork`: the one that block 0 has. */
  static async create(genesisJson: object, fork: string): Promise<PeerChain> {
    const geth = asPeerReads(genesisJson as GethGenesis);
    const common = createCommonFromGethGenesis(geth, { chain: "peer" });
    common.updateParams(paramsBlock);
    common.setHardfork(fork);
    const vm = await createVM({ common });
    await vm.stateManager.generateCanonicalGenesis?.(parseGethGenesisState(geth));
    const stateRoot = await vm.stateManager.getStateRoot();
    const { baseFeePerGas, excessBlobGas, blobGasUsed } = geth as GethGenesis & { blobGasUsed?: string };
    const header = {
      number: 0n,
      stateRoot,
      gasLimit: BigInt(geth.gasLimit),
      difficulty: BigInt(geth.difficulty ?? 0),
      timestamp: BigInt(geth.timestamp),
      extraData: hexToBytes((geth.extraData ?? "0x") as Hex),
      mixHash: hexToBytes((geth.mixHash ?? NO_HASH) as Hex),
      nonce: hexToBytes(`0x${BigInt(geth.nonce).toString(16).padStart(16, "0")}`),
      coinbase: (geth.coinbase ?? `0x${"00".repeat(20)}`) as Hex,
      ...(baseFeePerGas === undefined || baseFeePerGas === null
        ? {}
        : { baseFeePerGas: BigInt(baseFeePerGas) }),
      ...(common.isActivatedEIP(4844)
        ? { excessBlobGas: BigInt(excessBlobGas ?? 0), blobGasUsed: BigInt(blobGasUsed ?? 0) }
        : {}),
    };
    const block = createBlock(common.isActivatedEIP(4895) ? { header, withdrawals: [] } : { header }, {
      common,
      skipConsensusFormatValidation: true,
    });
    return new PeerChain(genesisJson, common, vm, block);
  }

  get genesis(): Block {
    return this.blocks[0] as Block;
  }

  get head(): Block {
    return this.blocks.at(-1) as Block;
  }

  async add({ fork, timestamp, calls, withdrawals, difficulty, feeRecipient }: PeerBlock): Promise<void> {
    this.common.setHardfork(fork);
    const builder = await buildBlock(this.vm, {
      parentBlock: this.head,
      headerData: {
        timestamp,
        coinbase: (feeRecipient ?? `0x${"c0".repeat(20)}`) as Hex,
        ...(difficulty === undefined ? { mixHash: hexToBytes(`0x${"7d".repeat(32)}`) } : { difficulty }),
        ...(this.common.isActivatedEIP(4788)
          ? { parentBeaconBlockRoot: hexToBytes(`0x${"be".repeat(32)}`) }
          : {}),
      },
      ...(this.common.isActivatedEIP(4895)
        ? {
            withdrawals: (withdrawals ?? []).map(({ index, address, amount }) => ({
              index,
              validatorIndex: 7,
              address: createAddressFromString(address),
              amount,
            })),
          }
        : {}),
      blockOpts: { putBlockIntoBlockchain: false },
    });
    for (const call of calls) await builder.addTransaction(this.#transaction(call));
    const { block } = await builder.build();
    this.blocks.push(block);
  }

  #transaction({ to, data = new Uint8Array(0), value = 0n }: PeerCall): TypedTransaction {
    const fields = {
      nonce: this.#nonce++,
      gasLimit: GAS,
      to: createAddressFromString(to),
      data,
      value,
    };
    const unsigned = this.common.isActivatedEIP(1559)
      ? createFeeMarket1559Tx(
          { ...fields, maxFeePerGas: PRICE, maxPriorityFeePerGas: 1n },
          { common: this.common },
        )
      : createLegacyTx({ ...fields, gasPrice: PRICE }, { common: this.common });
    return unsigned.sign(KEY);
  }

  async balance(address: string): Promise<bigint> {
    return (await this.vm.stateManager.getAccount(createAddressFromString(address)))?.balance ?? 0n;
  }

  async storage(address: string, slot: number): Promise<bigint> {
    const key = hexToBytes(`0x${slot.toString(16).padStart(64, "0")}`);
    const value = await this.vm.stateManager.getStorage(createAddressFromString(address), key);
    return value.length === 0 ? 0n : BigInt(bytesToHex(value));
  }

  /** Writes the folder that the suite `rpc` reads. `safe` and `finalized` are the head unless given. */
  async write(
    folder: string,
    tags: { readonly safe?: string; readonly finalized?: string } = {},
  ): Promise<string> {
    const head = bytesToHex(this.head.hash());
    const state = {
      headBlockHash: head,
      safeBlockHash: tags.safe ?? head,
      finalizedBlockHash: tags.finalized ?? head,
    };
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "genesis.json"), JSON.stringify(this.genesisJson));
    await writeFile(
      join(folder, "chain.rlp"),
      Buffer.concat(this.blocks.slice(1).map((block) => block.serialize())),
    );
    await writeFile(
      join(folder, "headfcu.json"),
      JSON.stringify({
        jsonrpc: "2.0",
        id: "fcu",
        method: "engine_forkchoiceUpdatedV3",
        params: [state, null],
      }),
    );
    return folder;
  }
}

/** The peer wants slots of 32 bytes, and of forks that change blobs alone it knows mainnet's, but cannot read them. */
function asPeerReads(genesis: GethGenesis): GethGenesis {
  const alloc = Object.entries(genesis.alloc).map(([address, { storage = {}, ...account }]) => {
    const slots = Object.entries(storage).map(([slot, value]) => [
      `0x${slot.slice(2).padStart(64, "0")}`,
      value,
    ]);
    return [address, { ...account, storage: Object.fromEntries(slots) }];
  });
  const { blobSchedule, ...config } = genesis.config;
  const schedules = Object.entries(blobSchedule ?? {}).filter(([fork]) => !fork.startsWith("bpo"));
  return {
    ...genesis,
    config: {
      ...config,
      ...(blobSchedule === undefined ? {} : { blobSchedule: Object.fromEntries(schedules) }),
    },
    alloc: Object.fromEntries(alloc),
  };
}
