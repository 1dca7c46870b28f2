import type { RpcBlock, RpcReceipt, RpcTransaction } from "@aios/sdk/json-rpc";
import { useEffect, useState } from "react";
import { timeOfDay } from "../lib/format.js";
import { visitor } from "../lib/platform.js";
import { usePolled } from "../lib/use-polled.js";
import { Hash } from "./hash.js";
import { Notice } from "./notice.js";

const SHOWN_BLOCKS = 8;

async function latestBlocks(): Promise<readonly RpcBlock[]> {
  const head = await visitor.rpc.blockNumber();
  const numbers = Array.from({ length: Math.min(SHOWN_BLOCKS, head + 1) }, (_, index) => head - index);
  const blocks = await Promise.all(numbers.map((number) => visitor.rpc.block(number, true)));
  return blocks.filter((block) => block !== null);
}

interface Props {
  readonly opened: string | undefined;
  readonly onOpen: (hash: string | undefined) => void;
}

/** The chain's latest blocks, and one transaction in detail. */
export function ExplorerCard({ opened, onOpen }: Props) {
  const blocks = usePolled(latestBlocks, 3_000);
  return (
    <section className="card" aria-labelledby="explorer-title" id="explorer">
      <h2 id="explorer-title">Blocks</h2>
      {opened === undefined ? null : (
        <TransactionView key={opened} hash={opened} onClose={() => onOpen(undefined)} />
      )}
      {blocks.value === undefined ? (
        blocks.error === undefined ? (
          <Notice kind="loading">Reading the chain…</Notice>
        ) : (
          <Notice kind="error">{blocks.error}</Notice>
        )
      ) : (
        <ul className="rows">
          {blocks.value.map((block) => (
            <li key={block.hash}>
              <div className="row-head">
                <strong>{Number(block.number).toLocaleString("en")}</strong>
                <Hash value={block.hash} label="Block" />
                <span className="muted small">
                  {timeOfDay(Number(block.timestamp))} · {Number(block.gasUsed).toLocaleString("en")} gas
                </span>
              </div>
              <TransactionList block={block} onOpen={onOpen} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function TransactionList({
  block,
  onOpen,
}: {
  readonly block: RpcBlock;
  readonly onOpen: (hash: string) => void;
}) {
  if (block.transactions.length === 0) return <div className="muted small">No transactions</div>;
  return (
    <div className="small transactions">
      {block.transactions.map((transaction) => {
        const hash = typeof transaction === "string" ? transaction : transaction.hash;
        return <Hash key={hash} value={hash} label="Transaction" onOpen={onOpen} />;
      })}
    </div>
  );
}

type Details = { readonly transaction: RpcTransaction | null; readonly receipt: RpcReceipt | null };

function TransactionView({ hash, onClose }: { readonly hash: string; readonly onClose: () => void }) {
  const [details, setDetails] = useState<Details | undefined>(undefined);
  const [error, setError] = useState<string | undefined>(undefined);
  useEffect(() => {
    let left = false;
    Promise.all([visitor.rpc.transaction(hash), visitor.rpc.receipt(hash)]).then(
      ([transaction, receipt]) => {
        if (!left) setDetails({ transaction, receipt });
      },
      (reason: unknown) => {
        if (!left) setError(reason instanceof Error ? reason.message : String(reason));
      },
    );
    return () => {
      left = true;
    };
  }, [hash]);
  return (
    <section className="details" aria-label="Transaction">
      <div className="row-head">
        <strong>Transaction</strong>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {error === undefined ? null : <Notice kind="error">{error}</Notice>}
      {details === undefined && error === undefined ? <Notice kind="loading">Reading…</Notice> : null}
      {details?.transaction === null ? (
        <Notice kind="empty">The chain knows no such transaction.</Notice>
      ) : null}
      {details?.transaction == null ? null : (
        <dl>
          <Row name="Hash" value={hash} />
          <Row
            name="State"
            value={
              details.receipt === null
                ? "pending"
                : details.receipt.status === "0x1"
                  ? "succeeded"
                  : "reverted"
            }
          />
          <Row
            name="Block"
            value={details.receipt === null ? "–" : Number(details.receipt.blockNumber).toLocaleString("en")}
          />
          <Row name="From" value={details.transaction.from} />
          <Row name="To" value={details.transaction.to ?? "contract creation"} />
          <Row
            name="Gas used"
            value={details.receipt === null ? "–" : Number(details.receipt.gasUsed).toLocaleString("en")}
          />
          <Row
            name="Calldata"
            value={`${(details.transaction.input.length - 2) / 2} bytes, ${details.transaction.input.slice(0, 10)}`}
          />
          <Row name="Events" value={String(details.receipt?.logs.length ?? 0)} />
        </dl>
      )}
    </section>
  );
}

function Row({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
