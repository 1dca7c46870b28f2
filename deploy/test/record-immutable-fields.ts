import { writeFileSync } from "node:fs";
import { immutableFields } from "./immutable-fields.js";

// `npm run baseline`: makes the charts of today those of the release; at a release only. Run from deploy/.
writeFileSync("test/baseline-immutable-fields.json", `${JSON.stringify(immutableFields(), null, 1)}\n`);
