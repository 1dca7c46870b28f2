import { encodeRlp } from "@aios/core-rlp/rlp";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EMPTY_ACCOUNT, encodeAccount } from "../../../domain/state-commitment.js";
import { ChainDatabase } from "../chain-database.js";
import { exportState } from "./export-state.js";
import { StateImport } from "./import-state.js";
import { SnapshotDirectory } from "./snapshot-directory.js";

const address = new Uint8Array(20).fill(1);
const nothing = new Uint8Array(0);
const account = encodeAccount(EMPTY_ACCOUNT);

describe("the state of a snapshot", () => {
  let directory: TemporaryDirectory;
  let database: ChainDatabase;
  beforeEach(() => {
    directory = temporaryDirectory("import-state");
    database = new ChainDatabase(directory.path);
  });
  afterEach(async () => {
    await database.close();
    directory.remove();
  });

  it("is refused by a code where a row or an account has too few or too many fields", async () => {
    const refused = [
      [[address]],
      [[]],
      [address],
      [[address, account, nothing]],
      [[address, encodeRlp([nothing, nothing])]],
      [[address, encodeRlp([nothing, nothing, address, address, nothing])]],
      [[address, nothing]],
    ];
    for (const rows of refused)
      await expect(new StateImport(database).part("accounts", encodeRlp(rows))).rejects.toMatchObject({
        code: "invalid-snapshot",
        field: "accounts",
      });
    await new StateImport(database).part("accounts", encodeRlp([[address, account]]));
  });

  it("is written no further once that is given up", async () => {
    await new StateImport(database).part("accounts", encodeRlp([[address, account]]));
    const writer = await new SnapshotDirectory(directory.path).begin(1);
    const transaction = database.snapshot();
    const givenUp = new Error("given up");
    const state = exportState(database, transaction, writer, AbortSignal.abort(givenUp));
    await expect(state.finally(() => transaction.done())).rejects.toBe(givenUp);
    await writer.abandon();
  });

  it("that another took the place of is not there", () => {
    const snapshots = new SnapshotDirectory(directory.path);
    expect([snapshots.index(1), snapshots.part(1, 0)]).toEqual([undefined, undefined]);
  });
});
