import { address } from "@aios/kernel/identifiers";
import {
  commonSettings,
  defineSettings,
  duration,
  httpUrl,
  integer,
  type Settings,
  setting,
  text,
} from "@aios/service-kit/config";

const registryAddress = text.transform((value) => address(value, "CONTRACT_REGISTRY_ADDRESS"));
const gwei = integer(0, 1_000_000).transform((value) => BigInt(value) * 1_000_000_000n);

export const settings = defineSettings({
  ...commonSettings,
  CHAIN_RPC_URL: setting(httpUrl, {
    description: "the node's JSON-RPC over HTTP; WebSocket is expected on the same port",
    default: "http://127.0.0.1:8545",
  }),
  CONTRACT_REGISTRY_ADDRESS: setting(registryAddress, {
    description:
      "address of ContractRegistry, from which all other contracts are found; the first contract of the deployer",
  }),
  RELAYER_KEY_FILE: setting(text, { description: "file with the relayer's private key, 64 hex digits" }),
  MATCHER_KEY_FILE: setting(text, { description: "file with the matcher's private key, 64 hex digits" }),
  ANCHOR_KEY_FILE: setting(text, { description: "file with the anchor's private key, 64 hex digits" }),
  CHAIN_RPC_TIMEOUT: setting(duration, {
    description: "longest wait for an answer of the node",
    default: "5s",
  }),
  CHAIN_POLL_INTERVAL: setting(duration, {
    description: "how often the head is asked for when no WebSocket announces it",
    default: "1s",
  }),
  CHAIN_START_RETRY: setting(duration, {
    description: "pause between tries to reach the node and the contracts at start",
    default: "500ms",
  }),
  TX_STUCK_AFTER: setting(duration, {
    description: "a transaction that is not mined after this long is replaced at a higher fee",
    default: "20s",
  }),
  TX_RESCUE_INTERVAL: setting(duration, {
    description: "how often sent transactions are looked after",
    default: "2s",
  }),
  TX_GIVE_UP_AFTER: setting(duration, {
    description: "a request that cannot be tried (no gas money, refused by the node) fails after this long",
    default: "2m",
  }),
  TX_MAX_IN_FLIGHT: setting(integer(1, 1_000), {
    description: "most transactions of one signer that are sent and not mined",
    default: 64,
  }),
  SPONSORED_GAS_PER_DAY: setting(
    integer(1_000_000, 1_000_000_000_000).transform((value) => BigInt(value)),
    {
      description:
        "gas that is paid in a day for one account's publications, licences and registration; more is answered 429",
      default: 60_000_000,
    },
  ),
  TX_PRIORITY_FEE_GWEI: setting(gwei, { description: "tip per gas of a first try, in gwei", default: 1 }),
  TX_MAX_FEE_GWEI: setting(gwei, { description: "most that is ever offered per gas, in gwei", default: 500 }),
});

export type EconomySettings = Settings<typeof settings>;
