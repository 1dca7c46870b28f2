// Every query on a service's table names the tenant: a Prisma call in what it looks for or writes, SQL in its conditions
// or columns. What a query is made of may be written beside it, in a constant or a function of the same file or of one
// that it imports. Where no tenant is named, a comment above the query or its method says why: `All tenants:` for loops
// over everybody's work, `By its id:` where the id cannot be guessed and who asks compares the owner.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript-6";

const QUERIES =
  /^(find|create|update|upsert|delete|count|aggregate|groupBy)(Unique|First|Many)?(OrThrow|AndReturn)?(Many)?$/;
const RAW = new Set([
  "$queryRaw",
  "$executeRaw",
  "$queryRawUnsafe",
  "$executeRawUnsafe",
  "query",
  "executeSql",
]);
const TENANT = /\btenant(Id)?\b/;
const REASON = /(All tenants|By its id): \S.{9,}/;
/** Parts of a Prisma call that only say what to answer. */
const ANSWERS = new Set(["select", "include", "orderBy", "take", "by", "_count", "_sum"]);
/** How far from a query its parts may be. */
const DEPTH = 4;

const list = (...patterns) =>
  execFileSync("git", ["ls-files", ...patterns], { encoding: "utf8" })
    .split("\n")
    .filter((file) => file !== "");
const parsed = new Map();
const problems = [];
const counts = { queries: 0, excused: 0 };

for (const schema of list("services/*/prisma/schema.prisma")) {
  const service = schema.split("/")[1];
  const tables = tablesOf(readFileSync(schema, "utf8"));
  for (const file of list(`services/${service}/src/*.ts`))
    if (!/\.spec\.ts$/.test(file)) checkFile(file, tables);
}
if (counts.queries === 0) problems.push("no query was found: the check looks in the wrong place");
if (problems.length > 0) {
  console.error(`Queries that do not say whose rows they mean:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`${counts.queries} queries name the tenant, ${counts.excused} say why they mean all of them`);

/** Names of a schema's models as the client spells them, and of its tables. */
function tablesOf(schema) {
  const delegates = new Set();
  const tables = new Set();
  for (const [, name, body] of schema.matchAll(/^model (\w+) \{\n(.*?)^\}/gms)) {
    delegates.add(name[0].toLowerCase() + name.slice(1));
    tables.add(/@@map\("(\w+)"\)/.exec(body)?.[1] ?? name);
  }
  return {
    delegates,
    sql: new RegExp(`\\b(FROM|INTO|UPDATE|JOIN)\\s+"?(${[...tables].join("|")})\\b"?`, "i"),
  };
}

function checkFile(file, tables) {
  const { source } = parse(file);
  const visit = (node) => {
    if (isQuery(file, node, tables)) checkQuery(file, source, node);
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function isQuery(file, node, { delegates, sql }) {
  if (ts.isTaggedTemplateExpression(node))
    return RAW.has(lastName(node.tag)) && sql.test(node.template.getText());
  if (!ts.isCallExpression(node)) return false;
  if (RAW.has(lastName(node.expression)))
    return node.arguments.some((argument) => sql.test(textOf(file, argument)));
  const callee = node.expression;
  return (
    ts.isPropertyAccessExpression(callee) &&
    QUERIES.test(callee.name.text) &&
    delegates.has(lastName(callee.expression))
  );
}

/** The statement of a raw query. */
function sqlOf(file, node) {
  if (ts.isTaggedTemplateExpression(node)) return node.template.getText();
  if (!RAW.has(lastName(node.expression))) return undefined;
  return textOf(file, node.arguments.find(isText) ?? node.arguments[0]);
}

function isText(node) {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/** With the constants that it is made of. */
function textOf(file, node) {
  const constants = [...node.getText().matchAll(/\b[A-Z][A-Z_]+\b/g)].map(([name]) =>
    declarationOf(file, name),
  );
  return [node, ...constants.map((declared) => declared?.node)]
    .map((part) => part?.getText() ?? "")
    .join(" ");
}

function lastName(node) {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (ts.isExpressionWithTypeArguments(node)) return lastName(node.expression);
  return ts.isIdentifier(node) ? node.text : "";
}

function checkQuery(file, source, node) {
  counts.queries += 1;
  const text = sqlOf(file, node);
  const named =
    text === undefined ? namesTenant(file, node, DEPTH, new Set()) : TENANT.test(conditionsOf(text));
  if (named) return;
  if (isExcused(source, node)) {
    counts.queries -= 1;
    counts.excused += 1;
    return;
  }
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  problems.push(`${file}:${line + 1} ${node.getText().split("\n")[0].slice(0, 80)}`);
}

/** A comment above the statement, or above the method whose only statement it is. */
function isExcused(source, node) {
  for (let at = node; at !== undefined && !ts.isClassDeclaration(at); at = at.parent) {
    const comments = ts.getLeadingCommentRanges(source.text, at.getFullStart()) ?? [];
    const text = comments.map(({ pos, end }) => source.text.slice(pos, end)).join(" ");
    if (REASON.test(text.replace(/\s*\n\s*(\*|\/\/)?\s*/g, " "))) return true;
    if (ts.isMethodDeclaration(at) || ts.isFunctionDeclaration(at)) return false;
  }
  return false;
}

/** Whether the node's text does, or that of a declaration that it uses. */
function namesTenant(file, node, depth, seen) {
  if (seen.has(node)) return false;
  seen.add(node);
  let found = false;
  const visit = (child) => {
    if (found || isAnswer(child)) return;
    if (ts.isIdentifier(child)) found = isTenant(file, child, depth, seen);
    if (!found) ts.forEachChild(child, visit);
  };
  visit(node);
  return found;
}

function isTenant(file, identifier, depth, seen) {
  if (/^tenant(Id)?$/.test(identifier.text) || identifier.text.includes("_tenant")) return true;
  if (identifier.text.startsWith("tenant") && ts.isPropertyAssignment(identifier.parent)) return true;
  const { parent } = identifier;
  const isName =
    (ts.isPropertyAssignment(parent) && parent.name === identifier) ||
    (ts.isPropertyAccessExpression(parent) &&
      parent.name === identifier &&
      parent.expression.kind !== ts.SyntaxKind.ThisKeyword);
  if (isName || depth === 0) return false;
  const declared = declarationOf(file, identifier.text);
  return declared !== undefined && namesTenant(declared.file, declared.node, depth - 1, seen);
}

function isAnswer(node) {
  return ts.isPropertyAssignment(node) && ANSWERS.has(node.name.getText());
}

/** A statement without what it answers. */
function conditionsOf(sql) {
  return sql.replace(/\bSELECT\b[\s\S]*?\bFROM\b/gi, "FROM").replace(/\bRETURNING\b[\s\S]*$/i, "");
}

/** A constant, parameter, function or method of this name in the file, or what it imports under it. */
function declarationOf(file, name) {
  const { declarations, imports } = parse(file);
  const own = declarations.get(name);
  if (own !== undefined) return { file, node: own };
  const from = imports.get(name);
  if (from === undefined) return undefined;
  const there = parse(from).declarations.get(name);
  return there === undefined ? undefined : { file: from, node: there };
}

function parse(file) {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const declarations = new Map();
  const imports = new Map();
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) collectImports(file, node, imports);
    else if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined)
      declarations.set(node.name.text, node.initializer);
    else if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.name !== undefined)
      declarations.set(node.name.getText().replace("#", ""), node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const result = { source, declarations, imports };
  parsed.set(file, result);
  return result;
}

function collectImports(file, node, imports) {
  const specifier = node.moduleSpecifier.text;
  const names = node.importClause?.namedBindings;
  if (!specifier.startsWith(".") || names === undefined || !ts.isNamedImports(names)) return;
  const target = join(dirname(file), specifier.replace(/\.js$/, ".ts"));
  if (existsSync(target)) for (const { name } of names.elements) imports.set(name.text, target);
}
