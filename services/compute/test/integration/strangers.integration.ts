import { eventually } from "@aios/testkit/eventually";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ComputePlatform } from "../support/compute-platform.js";
import { FakeProvider } from "../support/fake-provider.js";

let platform: ComputePlatform;
const opened: FakeProvider[] = [];

beforeAll(async () => {
  // Two places for one host.
  platform = await ComputePlatform.start({
    MAX_HANDSHAKES: "8",
    HANDSHAKE_STEP_TIMEOUT: "4s",
    REGISTRATIONS_PER_MINUTE: "6",
  });
});
afterAll(async () => {
  for (const provider of opened) provider.vanish();
  await platform?.stop();
});

function stranger(): FakeProvider {
  const made = new FakeProvider(platform.url, { manner: "unstaked" });
  opened.push(made);
  void made.connect().catch(() => undefined);
  return made;
}

const listed = async (): Promise<string[]> =>
  (await platform.client.listProviders({})).providers.map((provider) => provider.address);

it("remembers no stranger that has staked nothing, and lets a few at a time try", async () => {
  const honest = new FakeProvider(platform.url);
  opened.push(honest);
  await honest.connect();
  const strangers = [stranger(), stranger()];
  await eventually(() => {
    for (const one of strangers)
      expect(one.received.some((message) => message.registrationRequest !== undefined)).toBe(true);
  });
  expect(await listed()).toEqual([honest.address]);

  const late = stranger();
  await eventually(() => expect(late.refusals()).toContain("too-many-handshakes"));
  // Those who hold the places go, and what was refused comes in by trying again.
  for (const one of strangers) one.vanish();
  await eventually(() =>
    expect(late.received.some((message) => message.registrationRequest !== undefined)).toBe(true),
  );
  const second = new FakeProvider(platform.url);
  opened.push(second);
  await second.connect();
  expect((await listed()).sort()).toEqual([honest.address, second.address].sort());
});

it("relays nothing for an account without the stake, nor what the registry would refuse", async () => {
  const relayed = () => platform.chain.submitted.filter((purpose) => purpose === "register-provider").length;
  const before = relayed();
  const [penniless, refused] = [new FakeProvider(platform.url), new FakeProvider(platform.url)];
  opened.push(penniless, refused);
  platform.chain.penniless.add(penniless.address);
  platform.chain.refusedBuyers.set(refused.address, "DeadlinePassed");
  for (const provider of [penniless, refused]) void provider.connect().catch(() => undefined);
  await eventually(() => expect(penniless.refusals()).toContain("stake-not-funded"));
  await eventually(() => expect(refused.refusals()).toContain("registration-reverted"));
  expect(penniless.received.some(({ registrationRequest }) => registrationRequest !== undefined)).toBe(false);
  // It tries again and again, and is slowed down.
  await eventually(() => expect(refused.refusals()).toContain("too-many-registrations"));
  expect(relayed()).toBe(before);
});

it("gives the place of a link that says nothing to the next", async () => {
  const silent = stranger();
  await eventually(() => expect(silent.refusals()).toContain("handshake-too-slow"), 20_000);
});

it("takes no proof of a program that signs for no server, and says that it is too old", async () => {
  const old = new FakeProvider(platform.url, { challengeVersion: 0 });
  opened.push(old);
  void old.connect().catch(() => undefined);
  await eventually(() => expect(old.refusals()).toContain("provider-too-old"));
  expect(old.received.some(({ challenge }) => challenge !== undefined)).toBe(false);
});
