import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RpcNode } from "../../src/domain/ports.js";

export interface RpcNodeUnderTest {
  readonly node: RpcNode;
  /** The same node, of whose answers no more than so many bytes are read. */
  bounded(maxAnswerBytes: number): RpcNode;
  readonly peer: Peer;
  readonly chainId: number;
  close(): Promise<void>;
}

const call = (id: number, method: string) => ({ jsonrpc: "2.0", id, method, params: [] });

/** What every `RpcNode` does. */
export function rpcNodeConformance(name: string, open: () => Promise<RpcNodeUnderTest>): void {
  describe(`${name} as RpcNode`, () => {
    let subject: RpcNodeUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("answers a call, a batch and an error as the node does", async () => {
      const { node } = subject;
      const result = `0x${subject.chainId.toString(16)}`;
      const chainId = { jsonrpc: "2.0", id: 1, result };
      expect(await node.post(call(1, "eth_chainId"), undefined)).toEqual(chainId);
      const answers = await node.post([call(1, "eth_chainId"), call(2, "no_suchMethod")], undefined);
      expect(answers).toMatchObject([chainId, { id: 2, error: { code: -32_601 } }]);
    });

    it("reads no more than it may", async () => {
      await expect(subject.bounded(10).post(call(1, "eth_chainId"), undefined)).rejects.toMatchObject({
        code: "chain-unavailable",
      });
    });

    it("stops when the caller is gone", async () => {
      await expect(subject.node.post(call(1, "eth_chainId"), AbortSignal.abort())).rejects.toThrow();
    });

    it("says when the node is away, and answers again when it is back", async () => {
      await expectOutageSurvived(
        subject.peer,
        () => subject.node.post(call(1, "eth_chainId"), undefined),
        "chain-unavailable",
      );
    });
  });
}
