import type { PeerStreams } from "@aios/consensus/domain/honor-ports";
import { eventually } from "@aios/testkit/eventually";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** One end of the streams between nodes that know each other. */
export interface PeerUnderTest {
  readonly streams: PeerStreams;
  /** Its own key, as others name it. */
  readonly key: string;
  /** What came, and from whom, in the order in which it came. */
  readonly received: readonly { readonly from: string; readonly payload: string }[];
}

export interface PeersUnderTest {
  /** As many as were asked for. */
  readonly peers: readonly PeerUnderTest[];
  /** The peer ends without a word. */
  crash(peer: PeerUnderTest): Promise<void>;
  /** Starts a peer that has crashed again, with the same key. */
  revive(peer: PeerUnderTest): Promise<PeerUnderTest>;
  close(): Promise<void>;
}

const text = (payload: string): Uint8Array => Buffer.from(payload);

/** What every `PeerStreams` does; the tests follow one network of three. */
export function peerStreamsConformance(name: string, open: (count: number) => Promise<PeersUnderTest>): void {
  describe(`${name} as PeerStreams`, () => {
    let subject: PeersUnderTest;
    let [one, two, three] = [] as unknown as [PeerUnderTest, PeerUnderTest, PeerUnderTest];
    beforeAll(async () => {
      subject = await open(3);
      [one, two, three] = subject.peers as [PeerUnderTest, PeerUnderTest, PeerUnderTest];
    });
    afterAll(() => subject?.close());

    const sees = (from: PeerUnderTest, others: readonly PeerUnderTest[]): Promise<void> =>
      eventually(() =>
        expect(from.streams.connected.toSorted()).toEqual(others.map(({ key }) => key).toSorted()),
      );

    it("has a stream to every peer, and brings each what is sent to it or to all, in order", async () => {
      for (const peer of [one, two, three])
        await sees(
          peer,
          [one, two, three].filter((other) => other !== peer),
        );
      one.streams.send(two.key, text("first"));
      one.streams.send(undefined, text("all"));
      one.streams.send(two.key, text("last"));
      const from = one.key;
      await eventually(() => {
        expect(two.received).toEqual(["first", "all", "last"].map((payload) => ({ from, payload })));
        expect(three.received).toEqual([{ from, payload: "all" }]);
      });
      expect(one.received).toEqual([]);
      expect(one.streams.protocolOf(two.key)).toBe(two.streams.protocolOf(one.key));
      expect(one.streams.protocolOf("nobody")).toBeUndefined();
    });

    it("takes what is for a peer that nobody knows, and brings it nowhere", async () => {
      one.streams.send("nobody", text("lost"));
      one.streams.send(three.key, text("after it"));
      await eventually(() => expect(three.received.at(-1)?.payload).toBe("after it"));
      expect([...two.received, ...three.received].map(({ payload }) => payload)).not.toContain("lost");
    });

    it("goes on without a peer that dies, takes what is for it, and has its stream again when it is back", async () => {
      await subject.crash(two);
      one.streams.send(two.key, text("to the dead"));
      one.streams.send(undefined, text("to the living"));
      await sees(one, [three]);
      await eventually(() => expect(three.received.at(-1)?.payload).toBe("to the living"));
      two = await subject.revive(two);
      await sees(one, [two, three]);
      one.streams.send(two.key, text("welcome back"));
      await eventually(() => expect(two.received).toEqual([{ from: one.key, payload: "welcome back" }]));
    });

    it("ends the stream of a peer that goes on offending, and no other", async () => {
      for (let offence = 0; offence < 100; offence++) one.streams.punish(three.key, 10);
      await sees(one, [two]);
      one.streams.punish("nobody", 10);
      one.streams.send(undefined, text("among us"));
      await eventually(() => expect(two.received.at(-1)?.payload).toBe("among us"));
      expect(three.received.map(({ payload }) => payload)).not.toContain("among us");
    });
  });
}
