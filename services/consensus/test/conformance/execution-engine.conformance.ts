import type { BlockHeader } from "@aios/consensus/domain/block";
import type { Genesis } from "@aios/consensus/domain/genesis";
import type {
  BlockStore,
  CallRequest,
  ExecutedBlock,
  ExecutionEngine,
  StateStore,
  TransactionCodec,
} from "@aios/consensus/domain/ports";
import { type SignedTransaction } from "@aios/consensus/domain/transaction";
import { type Address, address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { Interface, type TransactionLike } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter } from "../support/contracts.js";
import { PRODUCER, STAKERS, TREASURY, testGenesis, wallets } from "../support/test-chain.js";

/** One engine over empty stores of its own. */
export interface EngineUnderTest {
  readonly engine: ExecutionEngine;
  readonly states: StateStore;
  readonly blocks: BlockStore;
  readonly codec: TransactionCodec;
  /** Time limit of a call in this engine; absent where calls are not bounded in time. */
  readonly callTimeoutMs?: number;
  /** Ends what runs its calls, as a crash would; absent where that is the thread of whoever asks. */
  crash?(): Promise<void>;
  close(): Promise<void>;
}

const RANDOMNESS = bytes32(`0x${"5a".repeat(32)}`);
const TO = address(`0x${"77".repeat(20)}`);
const compiled = compileCounter();
const counterInterface = new Interface(compiled.abi);
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.slice(2), "hex"));

/** What every `ExecutionEngine` must do. Run it over each implementation; `callsElsewhere`: not in the thread that asks. */
export function executionEngineConformance(
  name: string,
  open: (genesis: Genesis) => Promise<EngineUnderTest>,
  { callsElsewhere } = { callsElsewhere: false },
): void {
  describe(`ExecutionEngine: ${name}`, () => {
    const genesis = testGenesis();
    const senders = wallets.map((wallet) => address(wallet.address));
    let subject: EngineUnderTest;
    const nonces = new Map<number, number>();

    beforeAll(async () => {
      subject = await open(genesis);
      await subject.blocks.append(await subject.engine.executeGenesis());
    });

    afterAll(() => subject.close());

    const head = (): BlockHeader => {
      const header = subject.blocks.head();
      if (header === undefined) throw new Error("no head");
      return header;
    };
    const sign = async (from: number, change: TransactionLike = {}): Promise<SignedTransaction> => {
      const wallet = wallets[from];
      if (wallet === undefined) throw new Error("no wallet");
      const nonce = change.nonce ?? nonces.get(from) ?? 0;
      if (change.nonce === undefined) nonces.set(from, nonce + 1);
      const fields = {
        type: 2,
        chainId: genesis.chainId,
        to: TO,
        value: 1n,
        gasLimit: 21_000n,
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: 3n,
      };
      return subject.codec.decode(bytes(await wallet.signTransaction({ ...fields, ...change, nonce })));
    };
    const execute = (
      transactions: readonly SignedTransaction[],
      timestamp = head().timestamp + 1,
    ): Promise<ExecutedBlock> =>
      subject.engine.executeBlock({ parent: head(), timestamp, prevRandao: RANDOMNESS, transactions });
    const append = async (transactions: readonly SignedTransaction[]): Promise<ExecutedBlock> => {
      const block = await execute(transactions);
      await subject.blocks.append(block);
      return block;
    };
    const balance = (owner: string): bigint => {
      const view = subject.states.snapshot(head().stateRoot);
      return view.account(address(owner))?.balance ?? 0n;
    };
    const call = (change: Partial<CallRequest>): CallRequest => ({
      from: senders[0] as Address,
      to: TO,
      data: new Uint8Array(0),
      value: 0n,
      gasLimit: 1_000_000n,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      accessList: [],
      authorizationList: [],
      ...change,
    });
    const here = () => ({
      state: { root: head().stateRoot, overlays: [] },
      context: { ...head(), number: head().number + 1 },
    });
    const deploy = async (): Promise<Address> => {
      const block = await append([
        await sign(0, { to: null, data: compiled.bytecode, value: 0n, gasLimit: 2_000_000n }),
      ]);
      return block.receipts[0]?.contractAddress as Address;
    };

    it("puts the allocation and the system contracts into genesis", () => {
      expect(subject.blocks.header(0)?.number).toBe(0);
      expect(balance(senders[0] as string)).toBe(10n ** 24n);
      const view = subject.states.snapshot(head().stateRoot);
      const history = view.account(address("0x0000f90827f1c53a10cb7a02335b175320002935"));
      expect(view.code(history?.codeHash as Bytes32).length).toBeGreaterThan(0);
    });

    it("conserves coins: what senders lose, others gain, or it is burned as base fee", async () => {
      const parties = [senders[1] as string, TO, PRODUCER, STAKERS, TREASURY];
      const before = parties.map(balance);
      const block = await append([await sign(1), await sign(1)]);
      const gained = parties.map((party, index) => balance(party) - (before[index] ?? 0n));
      const baseFees = block.header.gasUsed * block.header.baseFeePerGas;
      expect(block.header.gasUsed).toBe(42_000n);
      expect(block.header.prevRandao).toBe(RANDOMNESS);
      expect(gained.slice(1)).toEqual([2n, 3n * 42_000n, (baseFees * 3n) / 10n, (baseFees * 5n) / 10n]);
      expect(-gained.reduce((sum, item) => sum + item, 0n)).toBe(
        baseFees - (baseFees * 3n) / 10n - (baseFees * 5n) / 10n,
      );
    });

    it("is deterministic, and executes without touching what is stored", async () => {
      const transactions = [await sign(2), await sign(2)];
      const root = head().stateRoot;
      const [first, second] = await Promise.all([execute(transactions), execute(transactions)]);
      expect(second.header).toEqual(first.header);
      expect(head().stateRoot).toBe(root);
      await subject.blocks.append(first);
      expect(first.header.stateRoot).not.toBe(root);
    });

    it("drops by rule with a reason, defers what is early or does not fit, and fails no block", async () => {
      const used = await sign(3, { nonce: 0 });
      await append([used]);
      nonces.set(3, 1);
      const poor = await sign(4, { nonce: 0, value: 10n ** 25n });
      const early = await sign(5, { nonce: 7 });
      const cheap = await sign(5, { nonce: 0, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n });
      const fine = await sign(3);
      const block = await append([used, poor, early, cheap, fine]);
      expect(block.transactions.map((item) => item.hash)).toEqual([fine.hash]);
      expect(block.dropped.map((drop) => [drop.hash, drop.code])).toEqual([
        [used.hash, "nonce-too-low"],
        [poor.hash, "insufficient-funds"],
      ]);
      expect(block.deferred.map((item) => item.hash)).toEqual([early.hash, cheap.hash]);
      const large = await Promise.all(
        // An invalid opcode burns all the gas.
        Array.from({ length: 5 }, (_, i) =>
          sign(4, { nonce: i, to: null, data: "0xfe", gasLimit: 16_000_000n }),
        ),
      );
      const full = await append(large);
      expect([full.transactions.length, full.deferred.length]).toEqual([3, 2]);
      expect(full.header.gasUsed).toBe(48_000_000n);
    });

    it("keeps a reverted transaction's fee and undoes the rest", async () => {
      const counter = await deploy();
      const block = await append([
        await sign(0, {
          to: counter,
          value: 0n,
          gasLimit: 200_000n,
          data: counterInterface.encodeFunctionData("add", [7, "seven"]),
        }),
        await sign(0, {
          to: counter,
          value: 0n,
          gasLimit: 200_000n,
          data: counterInterface.encodeFunctionData("add", [101, ""]),
        }),
      ]);
      expect(block.receipts.map((receipt) => receipt.succeeded)).toEqual([true, false]);
      expect(block.receipts[1]?.logs).toEqual([]);
      const { state, context } = here();
      const count = await subject.engine.call(
        state,
        context,
        call({ to: counter, data: bytes(counterInterface.encodeFunctionData("count")) }),
      );
      expect(count).toMatchObject({ kind: "success" });
      expect(count.kind === "success" && BigInt(`0x${Buffer.from(count.output).toString("hex")}`)).toBe(7n);
      const [traced] = await subject.engine.traceBlock(
        subject.blocks.header(block.header.number - 1) as BlockHeader,
        block,
        1,
        { tracer: "callTracer", onlyTopCall: false, withLog: true },
      );
      expect(traced).toMatchObject({
        type: "CALL",
        error: "execution reverted",
        gasUsed: `0x${block.receipts[1]?.gasUsed.toString(16)}`,
      });
    });

    it("tells reverts, halts and refusals of calls apart", async () => {
      const counter = await deploy();
      const { state, context } = here();
      const run = (change: Partial<CallRequest>) => subject.engine.call(state, context, call(change));
      const reverted = await run({
        to: counter,
        data: bytes(counterInterface.encodeFunctionData("add", [500, ""])),
      });
      expect(reverted.kind === "revert" && counterInterface.parseError(reverted.output)?.name).toBe(
        "TooMuch",
      );
      expect(await run({ to: null, data: Uint8Array.of(0xfe) })).toMatchObject({ kind: "halt" });
      await expect(run({ value: 10n ** 30n })).rejects.toMatchObject({ code: "insufficient-funds" });
      await expect(run({ gasLimit: 20_000n })).rejects.toMatchObject({ code: "intrinsic-gas-too-low" });
      expect(await run({ from: counter })).toMatchObject({ kind: "success" });
    });

    it("calls on earlier states and under overlays, and lists what a call touches", async () => {
      const root = head().stateRoot;
      const { context } = here();
      const before = balance(TO);
      await append([await sign(1, { value: 1_000n })]);
      // Returns the balance of TO.
      const code = bytes(`0x73${TO.slice(2)}315f5260205ff3`);
      const look = async (state: { root: Bytes32; overlays: [] }): Promise<bigint> => {
        const outcome = await subject.engine.call(state, context, call({ to: null, data: code }));
        if (outcome.kind !== "success") throw new Error(outcome.kind);
        return BigInt(`0x${Buffer.from(outcome.output).toString("hex")}`);
      };
      expect(await look({ root, overlays: [] })).toBe(before);
      expect(await look({ root: head().stateRoot, overlays: [] })).toBe(before + 1_000n);
      const counter = await deploy();
      const now = here();
      const touched = await subject.engine.accessList(
        now.state,
        now.context,
        call({ to: counter, data: bytes(counterInterface.encodeFunctionData("count")) }),
      );
      expect(touched.accessList.find((entry) => entry.address === counter)?.storageKeys).toEqual([
        bytes32(`0x${"00".repeat(32)}`),
      ]);
      await expect(
        subject.engine.call({ root: bytes32(`0x${"13".repeat(32)}`), overlays: [] }, context, call({})),
      ).rejects.toMatchObject({ code: "state-unavailable" });
    });

    it("serves block hashes by opcode and by the history contract", async () => {
      await append([await sign(1)]);
      const parent = head();
      await append([await sign(1)]);
      const { state, context } = here();
      const ask = bytes(`0x${parent.number.toString(16).padStart(64, "0")}`);
      const history = await subject.engine.call(
        state,
        context,
        call({ to: address("0x0000f90827f1c53a10cb7a02335b175320002935"), data: ask }),
      );
      expect(history.kind === "success" && `0x${Buffer.from(history.output).toString("hex")}`).toBe(
        parent.hash,
      );
      const opcode = await subject.engine.call(
        state,
        context,
        call({ to: null, data: bytes(`0x61${parent.number.toString(16).padStart(4, "0")}405f5260205ff3`) }),
      );
      expect(opcode.kind === "success" && `0x${Buffer.from(opcode.output).toString("hex")}`).toBe(
        parent.hash,
      );
    });

    it("executes a block as one without requests where the contract that queues them fails", async () => {
      const withdrawals = address("0x00000961ef480eb55e80d19ad83579a64c007002");
      // Reverts with a byte of data.
      const failing = { balance: 0n, nonce: 1n, code: bytes("0x60ab5f5360015ffd"), storage: new Map() };
      const alloc = new Map([...genesis.alloc, [withdrawals, failing] as const]);
      const other = await open({ ...genesis, alloc });
      try {
        const first = await other.engine.executeGenesis();
        await other.blocks.append(first);
        const { header } = first;
        const timestamp = header.timestamp + 1;
        const block = { parent: header, timestamp, prevRandao: RANDOMNESS, transactions: [] };
        const executed = await other.engine.executeBlock(block);
        expect(executed.header.requestsHash).toBe(header.requestsHash);
      } finally {
        await other.close();
      }
    });

    it("never lets time run backwards, and allows equal seconds", async () => {
      const block = await execute([], head().timestamp - 50);
      expect(block.header.timestamp).toBe(head().timestamp);
    });

    it("recovers keys and runs the precompiles as Ethereum does", async () => {
      const { state, context } = here();
      const digest = `0x${"5c".repeat(32)}`;
      const signature = wallets[0]?.signingKey.sign(digest);
      if (signature === undefined) throw new Error("no signature");
      const input = bytes(
        `${digest}${signature.v.toString(16).padStart(64, "0")}${signature.r.slice(2)}${signature.s.slice(2)}`,
      );
      const recovered = await subject.engine.call(
        state,
        context,
        call({ to: address(`0x${"00".repeat(19)}01`), data: input }),
      );
      expect(
        recovered.kind === "success" && `0x${Buffer.from(recovered.output.slice(12)).toString("hex")}`,
      ).toBe(senders[0]);
      // An empty pairing check holds (EIP-197).
      const pairing = await subject.engine.call(
        state,
        context,
        call({ to: address(`0x${"00".repeat(19)}08`) }),
      );
      expect(pairing.kind === "success" && Buffer.from(pairing.output).toString("hex")).toBe(
        "1".padStart(64, "0"),
      );
    });

    if (callsElsewhere)
      it("answers a call whose backend dies by name, and those behind it with their results", async () => {
        const { state, context } = here();
        const ask = (code: string) =>
          subject.engine.call(
            state,
            context,
            call({ to: null, data: bytes(code), gasLimit: 1_000_000_000n }),
          );
        await ask("0x00");
        // It jumps back to its beginning until there is no gas left.
        const dying = expect(ask("0x5b600056")).rejects.toMatchObject({
          code: "call-aborted",
          kind: "unavailable",
        });
        const behind = ask("0x00");
        await subject.crash?.();
        await dying;
        expect(await behind).toMatchObject({ kind: "success" });
        expect(await ask("0x00")).toMatchObject({ kind: "success" });
      });
  });
}
