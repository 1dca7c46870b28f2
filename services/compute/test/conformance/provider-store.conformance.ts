import { type Address, address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type { ProviderStore } from "../../src/domain/ports.js";
import type { ProviderStanding } from "../../src/domain/provider-market.js";
import { sampleProvider } from "../support/sample-provider.js";

let providers = 0;
function newProvider(change: Partial<ReturnType<typeof sampleProvider>> = {}) {
  providers += 1;
  return sampleProvider({ address: address(`0x${providers.toString(16).padStart(40, "0")}`), ...change });
}

async function all(source: AsyncIterable<ProviderStanding>): Promise<Address[]> {
  const found: Address[] = [];
  for await (const { provider } of source) found.push(provider.address);
  return found;
}

/** What every `ProviderStore` does. `crash` ends its backend in the middle and brings it back. */
export function providerStoreConformance(open: () => ProviderStore, crash: () => Promise<void>): void {
  it("keeps a provider as it was last saved, also after a crash", async () => {
    const provider = newProvider();
    expect(await open().find(provider.address)).toBeUndefined();
    await open().save(provider);
    const renewed = { ...provider, name: "renewed", draining: true, lastSeenMs: provider.lastSeenMs + 1 };
    await open().save(renewed);
    await crash();
    expect(await open().find(provider.address)).toEqual(renewed);
    expect(await open().standing(provider.address)).toEqual({ provider: renewed, busy: [], faults: {} });
  });

  it("notes stakes and heartbeats of providers that it knows, and makes up no others", async () => {
    const provider = newProvider({ registered: false, stakedWei: "0" });
    await open().save(provider);
    await open().setStake(provider.address, true, "25", "0xabc");
    await open().touch(provider.address, true, provider.lastSeenMs + 7);
    expect(await open().find(provider.address)).toEqual({
      ...provider,
      registered: true,
      stakedWei: "25",
      registrationTransactionHash: "0xabc",
      draining: true,
      lastSeenMs: provider.lastSeenMs + 7,
    });
    await open().setStake(provider.address, true, "20", "0xslash");
    expect(await open().find(provider.address)).toMatchObject({
      registered: true,
      stakedWei: "20",
      registrationTransactionHash: "0xabc",
    });
    await open().setStake(provider.address, false, "0", "0xdef");
    expect(await open().find(provider.address)).toMatchObject({
      registered: false,
      registrationTransactionHash: "0xabc",
    });
    await open().setStake(provider.address, true, "30", "0xagain");
    expect((await open().find(provider.address))?.registrationTransactionHash).toBe("0xagain");
    const stranger = newProvider().address;
    await open().setStake(stranger, true, "25", "0xabc");
    await open().touch(stranger, true, 1);
    expect(await open().find(stranger)).toBeUndefined();
    expect(await open().standing(stranger)).toBeUndefined();
  });

  it("walks over everybody in order of address, in steps of any size", async () => {
    for (let count = 0; count < 5; count++) await open().save(newProvider());
    const whole = await all(open().standings(1_000));
    expect(whole).toEqual([...new Set(whole)].sort());
    expect(whole.length).toBeGreaterThanOrEqual(5);
    for (const step of [1, 2, whole.length]) expect(await all(open().standings(step))).toEqual(whole);
  });
}
