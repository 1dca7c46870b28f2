import { parentPort } from "node:worker_threads";
import { keccak256 } from "@aios/core-keccak/keccak";
import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import {
  ANSWER_BYTES,
  REQUEST_BYTES,
  type RecoveryAnswer,
  type RecoveryBatch,
} from "../adapters/secp256k1/recovery-protocol.js";

const port = parentPort;
if (port === null) throw new Error("This file runs in a worker thread.");

port.on("message", ({ requests }: RecoveryBatch) => {
  const count = requests.length / REQUEST_BYTES;
  const answers = new Uint8Array(count * ANSWER_BYTES);
  for (let i = 0; i < count; i++) {
    const request = requests.subarray(i * REQUEST_BYTES, (i + 1) * REQUEST_BYTES);
    const key = recoverPublicKey(
      request.subarray(0, 32),
      request.subarray(32, 96),
      request[96] === 1 ? 1 : 0,
    );
    if (key === undefined) continue;
    answers[i * ANSWER_BYTES] = 1;
    answers.set(keccak256(key).slice(12), i * ANSWER_BYTES + 1);
  }
  port.postMessage({ answers } satisfies RecoveryAnswer, [answers.buffer]);
});
