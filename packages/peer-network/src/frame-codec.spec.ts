import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameDecoder } from "./frame-codec.js";
import { generateNodeKeyPem, keyOfCertificate, nodeIdentity } from "./node-certificate.js";
import { PeerScores } from "./peer-scores.js";
import { SendQueue } from "./send-queue.js";

describe("frames", () => {
  it("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 })),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map(encodeFrame));
          const decoder = new FrameDecoder(60);
          const decoded: Buffer[] = [];
          let from = 0;
          for (let index = 0; from < stream.length; index++) {
            const to = from + (cuts.length === 0 ? stream.length : (cuts[index % cuts.length] as number));
            decoded.push(...decoder.push(stream.subarray(from, to)));
            from = to;
          }
          expect(decoded.map((frame) => [...frame])).toEqual(frames.map((frame) => [...frame]));
        },
      ),
    );
  });

  it("lie in few pieces while they come byte by byte, since each piece costs far more than a byte", () => {
    const content = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index & 0xff));
    const decoder = new FrameDecoder(content.length);
    const decoded: Buffer[] = [];
    let most = 0;
    for (const byte of encodeFrame(content)) {
      decoded.push(...decoder.push(Buffer.from([byte])));
      most = Math.max(most, decoder.pieces);
    }
    expect(most).toBeLessThan(30);
    expect(decoded).toEqual([content]);
  });

  it("are refused by their header when they are too large", () => {
    const decoder = new FrameDecoder(10);
    expect(() => decoder.push(Buffer.from([0, 0, 0, 11]))).toThrow(
      expect.objectContaining({ code: "frame-too-large" }),
    );
    expect(() => new FrameDecoder(10).push(Buffer.alloc(4, 0xff))).toThrow(
      expect.objectContaining({ code: "frame-too-large" }),
    );
  });
});

describe("a node's certificate", () => {
  it("is valid, signed by its own key, and shows that key", () => {
    const identity = nodeIdentity(generateNodeKeyPem());
    const certificate = new X509Certificate(identity.certificatePem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(keyOfCertificate(certificate)).toBe(identity.publicKey);
    expect(nodeIdentity(identity.privateKeyPem).certificatePem).toBe(identity.certificatePem);
  });
});

describe("peers' scores", () => {
  const settings = { banAt: 100, banMs: 1_000, forgivenPerSecond: 10, maxPeers: 3 };

  it("ban for a while, and forgive with time", () => {
    const scores = new PeerScores(settings);
    expect(scores.punish("a", 50, 0)).toBe(false);
    expect(scores.points("a", 2_000)).toBe(30);
    expect(scores.punish("a", 50, 2_000)).toBe(false);
    expect(scores.punish("a", 50, 2_000)).toBe(true);
    expect([scores.isBanned("a", 2_999), scores.isBanned("a", 3_000)]).toEqual([true, false]);
  });

  it("forget the least guilty first, and never a ban that runs", () => {
    const scores = new PeerScores(settings);
    scores.punish("banned", 100, 0);
    scores.punish("guilty", 50, 0);
    scores.punish("slow", 1, 0);
    scores.punish("new", 1, 0);
    expect(["banned", "guilty", "slow", "new"].map((peer) => scores.points(peer, 0))).toEqual([0, 50, 0, 1]);
    expect(scores.isBanned("banned", 1)).toBe(true);
  });
});

describe("a send queue", () => {
  it("never holds more than it may, and drops the oldest", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 15 })), (sizes) => {
        const queue = new SendQueue(20);
        let kept = 0;
        for (const size of sizes) {
          kept += 1 - queue.push(Buffer.alloc(size, kept & 0xff));
          expect(queue.bytes).toBeLessThanOrEqual(20);
        }
        let left = 0;
        while (queue.shift() !== undefined) left += 1;
        expect(left).toBe(kept);
      }),
    );
    expect(new SendQueue(5).push(Buffer.alloc(6))).toBe(1);
  });
});
