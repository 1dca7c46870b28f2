import { eventually } from "@aios/testkit/eventually";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ComputePlatform } from "../support/compute-platform.js";
import { FakeProvider } from "../support/fake-provider.js";

let platform: ComputePlatform;
const opened: FakeProvider[] = [];

beforeAll(async () => {
  // Two places for one host.
  platform = await ComputePlatform.start({ MAX_HANDSHAKES: "8", HANDSHAKE_TIMEOUT: "5s" });
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
