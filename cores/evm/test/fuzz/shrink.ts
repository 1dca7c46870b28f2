import type { Scenario, ScenarioAccount, ScenarioTransaction } from "./scenario.js";

/** The list without each of ever smaller runs of it. */
function* shorter<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let run = list.length; run >= 1; run = Math.floor(run / 2))
    for (let at = 0; at < list.length; at += run) yield [...list.slice(0, at), ...list.slice(at + run)];
}

function* simplerAccount(account: ScenarioAccount): Generator<ScenarioAccount> {
  for (const code of shorter(account.code)) yield { ...account, code };
  for (const entries of shorter(Object.entries(account.storage)))
    yield { ...account, storage: Object.fromEntries(entries) };
}

function* simplerTransaction(tx: ScenarioTransaction): Generator<ScenarioTransaction> {
  for (const data of shorter(tx.data)) yield { ...tx, data };
  if (tx.value !== "0") yield { ...tx, value: "0" };
  for (const accessList of shorter(tx.accessList)) yield { ...tx, accessList };
  for (const authorizations of shorter(tx.authorizations)) yield { ...tx, authorizations };
  for (const blobHashes of shorter(tx.blobHashes)) yield { ...tx, blobHashes };
}

function* simpler(scenario: Scenario): Generator<Scenario> {
  for (const transactions of shorter(scenario.transactions)) yield { ...scenario, transactions };
  for (const accounts of shorter(scenario.accounts)) yield { ...scenario, accounts };
  for (const [index, account] of scenario.accounts.entries())
    for (const each of simplerAccount(account))
      yield { ...scenario, accounts: scenario.accounts.with(index, each) };
  for (const [index, tx] of scenario.transactions.entries())
    for (const each of simplerTransaction(tx))
      yield { ...scenario, transactions: scenario.transactions.with(index, each) };
}

const MAX_TRIES = 4_000;

/** The smallest scenario found for which `fails` still holds: greedy, one part after the other, until nothing helps. */
export async function shrink(
  scenario: Scenario,
  fails: (candidate: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  let smallest = scenario;
  let tries = 0;
  for (let progress = true; progress && tries < MAX_TRIES; ) {
    progress = false;
    for (const candidate of simpler(smallest)) {
      if (++tries > MAX_TRIES) break;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      progress = true;
      break;
    }
  }
  return smallest;
}
