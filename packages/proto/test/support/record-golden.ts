import { writeFileSync } from "node:fs";
import { toBinary } from "@bufbuild/protobuf";
import { descriptorsIn } from "./descriptors.js";
import { filled, messagesOf, variantsOf } from "./filled-message.js";

// Part of `npm run baseline`: what processes of the release have written, of every message, for later releases to read.
const root = new URL("../../../", import.meta.url);
const golden = Object.fromEntries(
  messagesOf(descriptorsIn(new URL("baseline.binpb", root))).map((type) => [
    type.typeName,
    Array.from({ length: variantsOf(type) }, (_, variant) =>
      Buffer.from(toBinary(type, filled(type, variant))).toString("base64"),
    ),
  ]),
);
writeFileSync(new URL("baseline-messages.json", root), `${JSON.stringify(golden, null, 1)}\n`);
