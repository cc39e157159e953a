// Writes the TypeScript client: a class with one method an operation, over the types that openapi-typescript reads from the same document
// and the requests that openapi-fetch makes; and the package around it. Usage: node generate.mjs openapi.json folder-of-the-package

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const METHODS = ["get", "put", "post", "delete", "patch"];
const JSON_TYPE = "application/json";

const here = (name) => new URL(`./${name}`, import.meta.url);
const camel = (name) => name.toLowerCase().replace(/[-_]+(.)/g, (_, letter) => letter.toUpperCase());
const schemaName = (ref) => ref.slice(ref.lastIndexOf("/") + 1);

function main() {
  const [documentPath, folder] = process.argv.slice(2);
  if (!documentPath || !folder) throw new Error("usage: node generate.mjs openapi.json folder-of-the-package");
  const document = JSON.parse(readFileSync(documentPath, "utf8"));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([method]) => METHODS.includes(method)).map(([method, operation]) => ({ path, method, ...operation })),
  );
  const runtime = readFileSync(here("runtime.ts"), "utf8");
  const types = Object.keys(document.components.schemas).map(typeAlias(document)).join("\n");
  const methods = operations.map(methodOf).join("\n\n");
  const source = runtime.replace("// <types>", () => types).replace("  // <methods>", () => methods);
  writeFileSync(join(folder, "client.ts"), `// Generated from openapi.json by \`make sdk-typescript\`; do not edit.\n\n${source}`);
  for (const name of ["package.json", "tsconfig.json", "README.md"]) copyFileSync(here(`package/${name}`), join(folder, name));
}

const typeAlias = (document) => (name) =>
  `${comment(document.components.schemas[name].description, "")}export type ${name} = components["schemas"]["${name}"];`;

/** The method of one operation: its path's variables, its body, then everything else by name. */
function methodOf(operation) {
  const { method, path, operationId, summary, description } = operation;
  const all = operation.parameters ?? [];
  const variables = all.filter((parameter) => parameter.in === "path");
  // A conditional read is of use only with the headers of its answer, which `api` gives.
  const named = all.filter((parameter) => parameter.in !== "path" && !(parameter.name === "If-None-Match" && operation.responses["304"]));
  const parameters = variables.map((parameter) => `${camel(parameter.name)}: ${typeOf(parameter)}`);
  const body = operation.requestBody?.content[JSON_TYPE];
  const bodyType = body && schemaName(body.schema.$ref);
  const signed = isTakenBy(operation, "GatewaySignature");
  if (body) parameters.push(`body: ${signed ? "string" : bodyType}`);
  parameters.push(optionsOf(operation, named));
  const answer = answerOf(operation);
  const values = ["path", "query", "header"].flatMap((place) => valuesOf(place, all, named)).join(", ");
  const init = values ? [`params: { ${values} }`] : [];
  if (body) init.push(signed ? `body: verbatim<${bodyType}>(body), bodySerializer: String` : "body");
  if (answer.parseAs) init.push(`parseAs: "${answer.parseAs}"`);
  init.push("...request(options)");
  return [
    comment([`${summary}.`.replace("?.", "?"), description, ...documented(operation, variables, named)].filter(Boolean).join("\n\n"), "  ").trimEnd(),
    `  async ${operationId}(${parameters.join(", ")}): Promise<${answer.type}> {`,
    `    return ${answer.type === "void" ? "done" : "answered"}(await this.api.${method.toUpperCase()}("${path}", { ${init.join(", ")} }));`,
    "  }",
  ].join("\n");
}

/** What a success answers: the schema of its body, a text, or nothing. */
function answerOf({ operationId, responses }) {
  const successes = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  if (successes.length !== 1) throw new Error(`${operationId} has ${successes.length} successes: a method answers one`);
  const content = successes[0][1].content ?? {};
  const schema = content[JSON_TYPE]?.schema;
  if (schema) return { type: schemaName(schema.$ref) };
  return Object.keys(content).length ? { type: "string", parseAs: "text" } : { type: "void" };
}

/** The type of a parameter; that it is the one openapi-typescript means is checked by the compiler, where the method calls `api`. */
function typeOf({ name, schema }) {
  const ref = schema.$ref ?? schema.allOf?.[0].$ref;
  const type = ref ? schemaName(ref) : { integer: "number", number: "number", string: "string", boolean: "boolean" }[schema.type];
  if (!type) throw new Error(`the parameter ${name} is neither a name nor a plain value`);
  return type;
}

const isTakenBy = (operation, scheme) => (operation.security ?? []).some((alternative) => scheme in alternative);

function optionsOf(operation, named) {
  const field = (p) => (p.required ? `${camel(p.name)}: ${typeOf(p)}` : `${camel(p.name)}?: ${typeOf(p)} | undefined`);
  const common = isTakenBy(operation, "CustomerToken") ? "CustomerCallOptions" : "CallOptions";
  const type = named.length ? `{ ${named.map(field).join("; ")} } & ${common}` : common;
  return named.some((parameter) => parameter.required) ? `options: ${type}` : `options: ${type} = {}`;
}

function valuesOf(place, all, named) {
  const here = (place === "path" ? all : named).filter((parameter) => parameter.in === place);
  if (!here.length) return [];
  const value = ({ name }) => `${/^\w+$/.test(name) ? name : `"${name}"`}: ${place === "path" ? camel(name) : `options.${camel(name)}`}`;
  const object = `{ ${here.map(value).join(", ")} }`;
  return [`${place}: ${place === "path" ? object : `present(${object})`}`];
}

function documented(operation, variables, named) {
  const lines = [...variables.map((p) => [camel(p.name), p.description]), ...named.map((p) => [`options.${camel(p.name)}`, p.description])];
  if (isTakenBy(operation, "GatewaySignature")) lines.push(["body", "The notice as JSON, exactly the text that was signed: it is sent as it is."]);
  return lines.length ? [lines.map(([name, text]) => `@param ${name} ${text.replaceAll("\n", " ")}`).join("\n")] : [];
}

function comment(text, indent) {
  if (!text.includes("\n")) return `${indent}/** ${text} */\n`;
  const lines = text.replaceAll("*/", "*\\/").split("\n").map((line) => `${indent} * ${line}`.trimEnd());
  return `${indent}/**\n${lines.join("\n")}\n${indent} */\n`;
}

main();
