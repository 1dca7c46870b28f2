import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isCodedError } from "@aios/kernel/coded-error";
import {
  AbstractSigner,
  ContractFactory,
  type InterfaceAbi,
  type TransactionRequest,
  type TransactionResponse,
  Wallet,
  ZeroAddress,
} from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as registryAbi } from "../../generated/abi/contract-registry.js";
import { abi as escrowAbi } from "../../generated/abi/job-escrow.js";
import { abi as licenceAbi } from "../../generated/abi/model-licence.js";
import { bytecode as escrowCode } from "../../generated/bytecode/job-escrow.js";
import { bytecode as licenceCode } from "../../generated/bytecode/model-licence.js";
import { CONTRACT_NAMES, readAddressBook } from "../../src/address-book.js";
import { deployProtocol, registryAddressOf } from "../../src/deploy.js";
import { decodeContractError, revertDataOf } from "../../src/errors.js";
import { DEVELOPMENT_TAU_G2, parseParameters } from "../../src/parameters.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain?.stop());

async function newDeployer(): Promise<Wallet> {
  const wallet = new Wallet(Wallet.createRandom().privateKey, chain.provider);
  const funding = await chain.funder.sendTransaction({ to: wallet.address, value: 5n * 10n ** 18n });
  await funding.wait();
  return wallet;
}

const codeOf = (error: unknown) => (isCodedError(error) ? error.code : error);

/** A signer that dies after so many transactions. */
class DyingSigner extends AbstractSigner {
  constructor(
    private readonly wallet: Wallet,
    private left: number,
  ) {
    super(wallet.provider);
  }
  getAddress = () => this.wallet.getAddress();
  connect = () => this;
  signTransaction = (transaction: TransactionRequest) => this.wallet.signTransaction(transaction);
  signMessage = (message: string | Uint8Array) => this.wallet.signMessage(message);
  signTypedData: Wallet["signTypedData"] = (...args) => this.wallet.signTypedData(...args);
  override async sendTransaction(transaction: TransactionRequest): Promise<TransactionResponse> {
    if (this.left-- === 0) throw new Error("killed");
    return this.wallet.sendTransaction(transaction);
  }
}

describe("deployProtocol", () => {
  it("puts every contract where the deployer's address says, and a second run changes nothing", async () => {
    const signer = await newDeployer();
    const parameters = parseParameters({}, signer.address);
    const first = await deployProtocol({ provider: chain.provider, signer, parameters });
    expect([...first.deployedNow].sort()).toEqual([...CONTRACT_NAMES].sort());
    expect(first.contracts.ContractRegistry).toBe(registryAddressOf(signer.address));
    const nonce = await signer.getNonce();
    const second = await deployProtocol({ provider: chain.provider, signer, parameters });
    expect(second.deployedNow).toEqual([]);
    expect(second.contracts).toEqual(first.contracts);
    expect(await signer.getNonce()).toBe(nonce);
    const book = await readAddressBook(chain.provider, first.contracts.ContractRegistry);
    expect(book).toEqual({ chainId: Number(chain.chainId), contracts: first.contracts });
  });

  it.each([0, 1, 4, 7])("goes on where a run ended after %i transactions", async (count) => {
    const signer = await newDeployer();
    const account = Wallet.createRandom().address;
    const parameters = parseParameters(
      { initialWrappedBalances: [{ account, amountWei: "77" }] },
      signer.address,
    );
    const dying = new DyingSigner(signer, count);
    await expect(deployProtocol({ provider: chain.provider, signer: dying, parameters })).rejects.toThrow(
      "killed",
    );
    const { contracts } = await deployProtocol({ provider: chain.provider, signer, parameters });
    await deployProtocol({ provider: chain.provider, signer, parameters });
    const registry = new TestContract(contracts.ContractRegistry, registryAbi, signer);
    for (const name of CONTRACT_NAMES.slice(1))
      expect(await registry.readBigInt("versionCount", [name]), name).toBe(1n);
    const token = new TestContract(
      contracts.WrappedAios,
      ["function balanceOf(address) view returns (uint256)"],
      signer,
    );
    expect(await token.readBigInt("balanceOf", [account])).toBe(77n);
  });

  it("makes a new version of what a changed parameter touches, keeps the old, and takes no other powers of tau", async () => {
    const signer = await newDeployer();
    const run = (input: object) =>
      deployProtocol({
        provider: chain.provider,
        signer,
        parameters: parseParameters(input, signer.address),
      });
    const before = await run({});
    const after = await run({ challengeWindowSeconds: 5 });
    expect(after.deployedNow).toEqual(["DeliveryResultVerifier", "SampledResultVerifier"]);
    const registry = new TestContract(after.contracts.ContractRegistry, registryAbi, signer);
    expect(await registry.read("versionOf", ["DeliveryResultVerifier", 1])).toBe(
      before.contracts.DeliveryResultVerifier,
    );
    expect(await registry.read("latest", ["DeliveryResultVerifier"])).toBe(
      after.contracts.DeliveryResultVerifier,
    );
    expect(await registry.read("isResultVerifier", [after.contracts.DeliveryResultVerifier])).toBe(true);
    expect(await registry.read("isResultVerifier", [after.contracts.WrappedAios])).toBe(false);
    expect(await registry.read("entryOf", [after.contracts.JobEscrow])).toEqual(["JobEscrow", 1n]);
    const others = await run({ honkTauG2: [...DEVELOPMENT_TAU_G2].reverse() }).catch(codeOf);
    expect(others).toBe("honk-powers-differ");
    expect(await registry.readBigInt("versionCount", ["HonkVerifier"])).toBe(1n);
  });

  it("refuses an account that was used before, and a registry of another owner", async () => {
    const used = await newDeployer();
    await (await used.sendTransaction({ to: used.address })).wait();
    const parameters = parseParameters({}, used.address);
    const error = await deployProtocol({ provider: chain.provider, signer: used, parameters }).catch(codeOf);
    expect(error).toBe("deployer-account-used");

    const signer = await newDeployer();
    const { contracts } = await deployProtocol({
      provider: chain.provider,
      signer,
      parameters: parseParameters({}, signer.address),
    });
    const registry = new TestContract(contracts.ContractRegistry, registryAbi, signer);
    await registry.send(signer, "transferOwnership", [used.address]);
    await registry.send(used, "acceptOwnership", []);
    const again = deployProtocol({
      provider: chain.provider,
      signer,
      parameters: parseParameters({}, signer.address),
    });
    expect(await again.catch(codeOf)).toBe("not-registry-owner");
  });
});

describe("ContractRegistry", () => {
  it("never changes an entry and takes no strangers, gaps, duplicates or empty accounts", async () => {
    const signer = await newDeployer();
    const { contracts } = await deployProtocol({
      provider: chain.provider,
      signer,
      parameters: parseParameters({}, signer.address),
    });
    const registry = new TestContract(contracts.ContractRegistry, registryAbi, signer);
    const register = (name: string, version: number, address: string) =>
      registry.send(signer, "register", [name, version, address]);
    await expectRevert(register("JobEscrow", 1, contracts.ContractRegistry), "VersionOutOfOrder");
    await expectRevert(register("JobEscrow", 3, contracts.ContractRegistry), "VersionOutOfOrder");
    await expectRevert(register("JobEscrow", 2, contracts.WrappedAios), "AlreadyRegistered");
    await expectRevert(register("JobEscrow", 2, signer.address), "NotAContract");
    await expectRevert(register("", 1, contracts.ContractRegistry), "NameEmpty");
    await expectRevert(registry.read("latest", ["Nothing"]), "ContractUnknown");
    await expectRevert(registry.read("versionOf", ["JobEscrow", 0]), "ContractUnknown");
    const stranger = await newDeployer();
    await expectRevert(
      registry.send(stranger, "register", ["X", 1, contracts.ContractRegistry]),
      "OwnableUnauthorizedAccount",
    );
    await expectRevert(registry.send(stranger, "deploy", ["X", 1, "0x00"]), "OwnableUnauthorizedAccount");
  });
});

describe("constructors", () => {
  const [some, none] = [`0x${"11".repeat(20)}`, ZeroAddress];
  const refused: readonly (readonly [string, InterfaceAbi, string, readonly unknown[], string])[] = [
    ["escrow without token", escrowAbi, escrowCode, [none, some, 500, some, some, some], "ZeroAddress"],
    ["escrow without treasury", escrowAbi, escrowCode, [some, none, 500, some, some, some], "ZeroAddress"],
    ["escrow without registry", escrowAbi, escrowCode, [some, some, 500, none, some, some], "ZeroAddress"],
    ["escrow without models", escrowAbi, escrowCode, [some, some, 500, some, none, some], "ZeroAddress"],
    ["escrow without providers", escrowAbi, escrowCode, [some, some, 500, some, some, none], "ZeroAddress"],
    [
      "escrow with a fee above all",
      escrowAbi,
      escrowCode,
      [some, some, 10_001, some, some, some],
      "FeeOutOfRange",
    ],
    [
      "licences with a royalty above all",
      licenceAbi,
      licenceCode,
      [some, some, 500, 500, 10_001],
      "FeeOutOfRange",
    ],
    [
      "licences with crossed royalties",
      licenceAbi,
      licenceCode,
      [some, some, 500, 501, 500],
      "FeeOutOfRange",
    ],
  ];

  it.each(refused)("refuse %s", async (_name, abi, code, args, error) => {
    const { data } = await new ContractFactory(abi, code).getDeployTransaction(...args);
    const outcome: unknown = await chain.provider
      .call({ from: chain.funder.address, data })
      .catch((failure: unknown) => failure);
    expect(decodeContractError(revertDataOf(outcome) ?? "").error).toBe(error);
  });
});

describe("deploy command", () => {
  it("writes the address book and says what is wrong in one line", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-contracts-"));
    try {
      const signer = await newDeployer();
      const [keyFile, out] = [join(folder, "deployer.key"), join(folder, "book.json")];
      writeFileSync(keyFile, `${signer.privateKey}\n`);
      const url = chain.provider._getConnection().url;
      const good = await command(["--rpc-url", url, "--key-file", keyFile, "--out", out]);
      expect(good.code, good.stderr).toBe(0);
      expect(JSON.parse(readFileSync(out, "utf8")).contracts.ContractRegistry).toBe(
        registryAddressOf(signer.address),
      );

      const parametersFile = join(folder, "parameters.json");
      writeFileSync(parametersFile, JSON.stringify({ protocolFeeBps: 10_001 }));
      const bad = await command([
        "--rpc-url",
        url,
        "--key-file",
        keyFile,
        "--parameters-file",
        parametersFile,
      ]);
      expect(bad.code).toBe(1);
      expect(bad.stderr.trim()).toBe(
        "aios-deploy-contracts: invalid-parameters: protocolFeeBps must be a whole number from 0 to 10000.",
      );
      expect((await command(["--help"])).stdout).toContain("challengeWindowSeconds");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function command(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const script = new URL("../../dist/src/deploy-command.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}
