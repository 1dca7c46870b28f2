import { writeFileSync } from "node:fs";
import { startPostgres } from "../../src/postgres.js";
import type { SchemaShape } from "../../src/schema-catalogue.js";
import { RELEASED, SERVICES, schemaOf } from "./service-schemas.js";

// `npm run baseline`: makes the schemas of today those of the release; at a release only.
const postgres = await startPostgres();
try {
  const schemas: Record<string, SchemaShape> = {};
  for (const service of SERVICES) schemas[service] = await schemaOf(service, postgres);
  writeFileSync(RELEASED, `${JSON.stringify(schemas, null, 1)}\n`);
} finally {
  await postgres.stop();
}
