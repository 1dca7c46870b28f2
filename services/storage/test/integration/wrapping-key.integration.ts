import { SeededRng } from "@aios/kernel/random";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { loadWrappingKey } from "../../src/adapters/file/file-wrapping-key.js";
import { wrappingKeyConformance } from "../conformance/wrapping-key.conformance.js";

let seed = 1;

wrappingKeyConformance("loadWrappingKey", async () => {
  const directory = temporaryDirectory("wrapping-key");
  return {
    load: () => loadWrappingKey(directory.path, new SeededRng(seed++)),
    close: async () => directory.remove(),
  };
});
