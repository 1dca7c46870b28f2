// Every table of a service says whose each row is: a model without a required tenant, or with one that the database
// would fill in when the code forgets it, fails. `docs/decisions/0009-whose-row.md` says whose what is.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const schemas = execFileSync("git", ["ls-files", "services/*/prisma/schema.prisma"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "");
const problems = [];
let models = 0;
for (const file of schemas) {
  const text = readFileSync(file, "utf8");
  for (const [, name, body] of text.matchAll(/^model (\w+) \{\n(.*?)^\}/gms)) {
    models += 1;
    const tenant = /^\s*(?:tenant|tenantId)\s+(\S+)(.*)$/m.exec(body);
    if (tenant === null) problems.push(`${file}: ${name} has no tenant`);
    else if (tenant[1] !== "String") problems.push(`${file}: the tenant of ${name} is optional or no text`);
    else if (tenant[2].includes("@default")) problems.push(`${file}: ${name} gives rows a tenant by default`);
  }
}
if (models === 0) problems.push("no model was found: the check looks in the wrong place");
if (problems.length > 0) {
  console.error(`Rows that belong to nobody:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`${models} tables of ${schemas.length} services have a tenant`);
