import { type Address, address } from "@aios/kernel/identifiers";
import { type LogDescription, type ParamType, type Result } from "ethers";
import type {
  ChainBlock,
  ChainLog,
  ChainReceipt,
  ContractEvent,
  EventArgument,
} from "../../domain/chain-block.js";
import { contractsNotDeployed } from "../../domain/errors.js";
import { subjectOf } from "../../domain/event-subject.js";
import type { ContractBook } from "../../domain/ports.js";
import type { JsonRpcClient } from "./json-rpc-client.js";
import { JsonRpcError } from "./json-rpc-client.js";
import { INDEXED_CONTRACTS, PROTOCOL_INTERFACES, REGISTRY_INTERFACE } from "./protocol-abis.js";

/** The contracts as `ContractRegistry` names them; addresses never change once an entry exists. */
export class RegistryContractBook implements ContractBook {
  #addresses: ReadonlyMap<string, Address> = new Map();
  #indexed: ReadonlyMap<string, string> = new Map();

  constructor(
    private readonly rpc: JsonRpcClient,
    private readonly registry: Address,
  ) {}

  get loaded(): boolean {
    return this.#addresses.size > 0;
  }

  async load(): Promise<void> {
    if (this.loaded) return;
    const names = [...PROTOCOL_INTERFACES.keys()];
    const code = await this.rpc.request("eth_getCode", [this.registry, "latest"]);
    if (code === "0x") throw contractsNotDeployed();
    const addresses = new Map<string, Address>([["ContractRegistry", this.registry]]);
    for (const name of names) addresses.set(name, await this.#latest(name));
    this.#indexed = new Map(INDEXED_CONTRACTS.map((name) => [addresses.get(name) ?? "", name]));
    this.#addresses = addresses;
  }

  async #latest(name: string): Promise<Address> {
    const data = REGISTRY_INTERFACE.encodeFunctionData("latest", [name]);
    try {
      const result = await this.rpc.request("eth_call", [{ to: this.registry, data }, "latest"]);
      return address(REGISTRY_INTERFACE.decodeFunctionResult("latest", String(result))[0]);
    } catch (error) {
      if (error instanceof JsonRpcError) throw contractsNotDeployed();
      throw error;
    }
  }

  addressOf(contract: string): Address | undefined {
    return this.#addresses.get(contract);
  }

  addresses(): ReadonlyMap<string, Address> {
    return this.#addresses;
  }

  functionOf(contract: string, data: Uint8Array): string | undefined {
    if (data.length < 4) return undefined;
    const selector = `0x${Buffer.from(data.subarray(0, 4)).toString("hex")}`;
    return PROTOCOL_INTERFACES.get(contract)?.getFunction(selector)?.name;
  }

  eventsOf(block: ChainBlock): readonly ContractEvent[] {
    return block.receipts.flatMap((receipt) =>
      receipt.logs.flatMap((log) => this.#eventOf(block, receipt, log) ?? []),
    );
  }

  #eventOf(block: ChainBlock, receipt: ChainReceipt, log: ChainLog): ContractEvent | undefined {
    const contract = this.#indexed.get(log.address);
    if (contract === undefined) return undefined;
    const parsed = PROTOCOL_INTERFACES.get(contract)?.parseLog({ topics: log.topics, data: log.data });
    if (parsed === null || parsed === undefined) return undefined;
    const args = plainArguments(parsed);
    return {
      blockHash: block.hash,
      blockNumber: block.number,
      timestampSeconds: block.timestampSeconds,
      transactionHash: receipt.transactionHash,
      gasUsed: receipt.gasUsed,
      logIndex: log.logIndex,
      contract,
      name: parsed.name,
      args,
      subject: subjectOf(contract, parsed.name, args),
    };
  }
}

function plainArguments(log: LogDescription): Readonly<Record<string, EventArgument>> {
  return Object.fromEntries(
    log.fragment.inputs.map((input, index) => [input.name, plain(input, log.args[index] as unknown)]),
  );
}

function plain(type: ParamType, value: unknown): EventArgument {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return (value as unknown as Result).map((item: unknown) => plain(type, item));
  const text = String(value);
  return type.type === "address" || type.type.startsWith("bytes") ? text.toLowerCase() : text;
}
