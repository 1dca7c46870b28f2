import assert from "node:assert/strict";
import {
  Contract,
  type HDNodeWallet,
  Interface,
  type InterfaceAbi,
  type Log,
  type LogDescription,
  type TransactionReceipt,
  type Wallet,
} from "ethers";
import { type DecodedContractError, decodeContractError, revertDataOf } from "../../src/errors.js";

export type TestWallet = Wallet | HDNodeWallet;

/** A call that the contract refused. */
export class Reverted extends Error {
  constructor(readonly decoded: DecodedContractError) {
    super(`${decoded.error} ${JSON.stringify(decoded.args)}`);
  }
}

export interface Sent {
  readonly receipt: TransactionReceipt;
  readonly gasUsed: bigint;
  readonly events: readonly LogDescription[];
}

/** One contract with its ABI. */
export class TestContract {
  readonly interface: Interface;

  constructor(
    readonly address: string,
    readonly abi: InterfaceAbi,
    private readonly reader: TestWallet,
  ) {
    this.interface = new Interface(abi);
  }

  /** Calls a view function; `from` is the reader unless given. Throws `Reverted`. */
  async read(method: string, args: readonly unknown[] = []): Promise<unknown> {
    try {
      return await new Contract(this.address, this.abi, this.reader).getFunction(method).staticCall(...args);
    } catch (error) {
      throw revertedFrom(error);
    }
  }

  async readBigInt(method: string, args: readonly unknown[] = []): Promise<bigint> {
    return BigInt(String(await this.read(method, args)));
  }

  /** Sends a transaction and waits for it. Throws `Reverted`, with the reason found by calling it first. */
  async send(sender: TestWallet, method: string, args: readonly unknown[], value = 0n): Promise<Sent> {
    const data = this.interface.encodeFunctionData(method, args);
    const request = { to: this.address, from: sender.address, data, value };
    const provider = sender.provider;
    if (provider === null) throw new Error("the wallet has no provider");
    try {
      await provider.call(request);
    } catch (error) {
      throw revertedFrom(error);
    }
    const response = await sender.sendTransaction({ ...request, gasLimit: 3_000_000n });
    const receipt = await response.wait(1, 30_000).catch((error: unknown) => {
      throw revertedFrom(error);
    });
    if (receipt === null) throw new Error("no receipt");
    return { receipt, gasUsed: receipt.gasUsed, events: this.events(receipt.logs) };
  }

  events(logs: readonly Log[]): LogDescription[] {
    return logs
      .filter((log) => log.address === this.address)
      .map((log) => this.interface.parseLog(log))
      .filter((log) => log !== null);
  }
}

/** Expects the named custom error and returns its arguments. */
export async function expectRevert(
  action: Promise<unknown>,
  error: string,
): Promise<Readonly<Record<string, string>>> {
  const outcome = await action.then(
    () => "succeeded",
    (failure: unknown) => failure,
  );
  assert.ok(outcome instanceof Reverted, `expected ${error}, not ${String(outcome)}`);
  const { decoded } = outcome;
  assert.equal(decoded.error, error, decoded.message);
  return decoded.args;
}

function revertedFrom(error: unknown): Error {
  const data = revertDataOf(error);
  return data === undefined
    ? error instanceof Error
      ? error
      : new Error(String(error))
    : new Reverted(decodeContractError(data));
}
