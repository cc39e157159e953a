// Starts Swagger UI on the server's own document. Its examples are replaced by values that work here and now, so that every request that
// is filled in succeeds: an event on sale, free seats of it, and later the order that was just claimed.

const METHODS = ["get", "post", "patch", "put", "delete"];
const EVENTS_PAGE = 100;
/** Free seats that a section needs, so that its examples can be tried more than once. */
const SEATS_MIN = 20;
/** Events that are looked at for free seats before the page gives up, so that it opens soon. */
const EVENTS_TRIED = 10;
const IDEMPOTENCY_KEY = "Idempotency-Key";

async function read(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** The events whose seats can be claimed at this moment, the newest first. */
async function eventsOnSale() {
  const open = [];
  let after;
  do {
    const page = await read(`v1/events?status=open&limit=${EVENTS_PAGE}${after ? `&after=${after}` : ""}`);
    open.push(...page.events);
    after = page.next;
  } while (after);
  const now = Date.now();
  // A moment that is absent is NaN here, which is neither before nor after anything.
  const onSale = open.filter((event) => !(Date.parse(event.on_sale_at) > now || Date.parse(event.off_sale_at) <= now));
  return onSale.sort((one, other) => other.event_id - one.event_id);
}

/** The first section of the event with that many free seats, and those seats. */
async function freeSeats(event, count) {
  const { sections } = await read(`v1/events/${event.event_id}/sections`);
  for (const { section, available } of sections) {
    if (available < count) continue;
    const { seats } = await read(`v1/events/${event.event_id}/sections/${encodeURIComponent(section)}/seats`);
    const free = seats.filter((seat) => seat.status === "available").map((seat) => seat.seat);
    if (free.length >= count) return { section, free };
  }
  return undefined;
}

/** `count` neighbours among ascending numbers, or the first ones. */
function neighbours(numbers, count) {
  const at = numbers.findIndex((number, index) => numbers[index + count - 1] === number + count - 1);
  return numbers.slice(Math.max(at, 0), Math.max(at, 0) + count);
}

/** Examples by what they stand for: of the newest event on sale that has enough free seats, or else of the newest on sale. */
async function findExamples() {
  const events = await eventsOnSale();
  for (const event of events.slice(0, EVENTS_TRIED)) {
    const found = await freeSeats(event, SEATS_MIN);
    if (!found) continue;
    const { section, free } = found;
    // Seats to block are taken from the other end, so that trying one does not break the other.
    return { event, section, claimed: neighbours(free, 2), blocked: neighbours(free.slice(-10), 2) };
  }
  return events.length > 0 ? { event: events[0] } : undefined;
}

/** A request's example with an event, section and seats of this server. */
function adapted(example, { event, section, claimed, blocked }) {
  const adapt = (value) => {
    if (Array.isArray(value)) return value.map(adapt);
    if (value === null || typeof value !== "object") return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, adapt(inner)]));
    if ("event_id" in copy) copy.event_id = event.event_id;
    if (section && "section" in copy) copy.section = section;
    if (section && Array.isArray(value.seats)) {
      const names = value.seats.some((seat) => typeof seat === "object");
      copy.seats = names ? claimed.slice(0, value.seats.length).map((seat) => ({ section, seat })) : blocked;
      if (!names) delete copy.ranges;
    }
    return copy;
  };
  return adapt(example);
}

function* operations(spec) {
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS) if (item[method]) yield { path, method, operation: item[method] };
  }
}

function resolved(spec, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? spec.components.schemas[name] : schema;
}

/** A random UUID. `crypto.randomUUID` would be missing where the page is neither on https nor on localhost. */
function randomUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Required values are filled in, and so is the idempotency key; other optional values are left empty. */
function fillParameters(operation, { event, section }) {
  for (const parameter of operation.parameters ?? []) {
    const { name, required, schema } = parameter;
    const values = {
      event_id: event?.event_id,
      section,
      [IDEMPOTENCY_KEY]: randomUuid(),
      "webhook-id": `msg_${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`,
      "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
    };
    const holders = [parameter, schema].filter(Boolean);
    if (!required && name !== IDEMPOTENCY_KEY) {
      for (const holder of holders) {
        delete holder.example;
        delete holder.examples;
      }
    } else if (values[name] !== undefined) {
      delete parameter.examples;
      for (const holder of holders) holder.example = values[name];
    }
  }
}

function fillBody(spec, operation, examples) {
  const media = operation.requestBody?.content?.["application/json"];
  if (!media) return;
  for (const example of Object.values(media.examples ?? {})) example.value = adapted(example.value, examples);
  const example = media.example ?? resolved(spec, media.schema)?.example;
  if (example && !media.examples) media.example = adapted(example, examples);
}

/** Moves examples from the schemas to the bodies of that schema: below a schema, Swagger UI would show them as its own data structures. */
function moveExamples(spec) {
  for (const { operation } of operations(spec)) {
    for (const { content } of [operation.requestBody ?? {}, ...Object.values(operation.responses)]) {
      for (const media of Object.values(content ?? {})) {
        if (!media.examples) media.example ??= resolved(spec, media.schema)?.example;
      }
    }
  }
  for (const schema of Object.values(spec.components.schemas)) if (typeof schema.example === "object") delete schema.example;
}

/** The text, escaped for Markdown. */
function plain(text) {
  return text.replace(/[^\p{L}\p{N} ]/gu, (character) => `&#${character.codePointAt(0)};`);
}

function fillIn(spec, examples) {
  for (const { path, operation } of operations(spec)) {
    fillParameters(operation, examples ?? {});
    // A new event has sections of its own.
    if (examples && (path.includes("{event_id}") || path === "/v1/payments")) fillBody(spec, operation, examples);
  }
  moveExamples(spec);
  const { GatewaySignature } = spec.components.securitySchemes;
  GatewaySignature.description += "\n\nOn this page, enter the `whsec_` secret itself: the page signs each notice with it and sends only the signature.";
  const hint = examples
    ? `*Try it out* is filled in for event ${examples.event.event_id}, “${plain(examples.event.name)}”.`
    : "No event is on sale here, so the examples are those of the document.";
  spec.info.description = `${spec.info.description ?? ""}\n\n${hint}`;
}

/** Fills in a parameter from now on. An operation that is already open keeps its values under the parameter itself, not its name. */
function setParameter(ui, { path, method, name, place, value }) {
  ui.specActions.changeParam([path, method], name, place, value);
  const parameters = ui.specSelectors.specJsonWithResolvedSubtrees().getIn(["paths", path, method, "parameters"]);
  const opened = parameters?.find((parameter) => parameter.get("name") === name && parameter.get("in") === place);
  if (opened) ui.specActions.changeParamByIdentity([path, method], opened, value);
}

/** Makes a claimed order the example wherever an order is needed, including the gateway's notice of its payment. */
function rememberOrder(ui, spec, order) {
  for (const { path, method, operation } of operations(spec)) {
    const asked = operation.parameters?.some((parameter) => parameter.name === "order_id" && parameter.in === "path");
    if (asked) setParameter(ui, { path, method, name: "order_id", place: "path", value: order.order_id });
  }
  const notice = {
    event_id: order.event_id,
    order_id: order.order_id,
    provider: "swagger",
    provider_reference: `pay_${order.order_id}`,
    amount_minor: order.amount_minor,
    currency: order.currency,
    status: "succeeded",
  };
  const pathMethod = ["/v1/payments", "post"];
  // Otherwise it would be the document's example again as soon as the operation is opened.
  ui.oas3Actions.setRetainRequestBodyValueFlag({ value: true, pathMethod });
  ui.oas3Actions.setRequestBodyValue({ value: JSON.stringify(notice, null, 2), pathMethod });
}

/** Replaces a key once its request has succeeded: the next request is a new one and gets a new key, unless a person chose it. */
function renewKey(ui, spec, used) {
  for (const { path, method, operation } of operations(spec)) {
    const parameter = operation.parameters?.find((parameter) => parameter.name === IDEMPOTENCY_KEY);
    if (parameter?.example !== used) continue;
    parameter.example = randomUuid();
    setParameter(ui, { path, method, name: IDEMPOTENCY_KEY, place: "header", value: parameter.example });
  }
}

function base64(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** Plays the gateway: a `whsec_` secret entered as the signature signs the notice in this page and never leaves it. */
async function signed(request) {
  const secret = request.headers["webhook-signature"];
  if (!secret?.startsWith("whsec_")) return request;
  delete request.headers["webhook-signature"];
  if (!crypto.subtle) throw new Error("This page can sign only over https or on localhost.");
  const bytes = Uint8Array.from(atob(secret.slice("whsec_".length)), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const id = request.headers["webhook-id"];
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(`${id}.${timestamp}.${request.body}`));
  Object.assign(request.headers, { "webhook-timestamp": timestamp, "webhook-signature": `v1,${base64(signature)}` });
  return request;
}

const spec = await read("openapi.json");
let keyUsed;
fillIn(spec, await findExamples().catch(() => undefined));
const ui = window.SwaggerUIBundle({
  dom_id: "#ui",
  spec,
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  // Secrets are not kept in the browser.
  persistAuthorization: false,
  tryItOutEnabled: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    keyUsed = request.headers[IDEMPOTENCY_KEY];
    return signed(request);
  },
  responseInterceptor: (response) => {
    if (response.ok && keyUsed) renewKey(ui, spec, keyUsed);
    const order = response.status === 201 ? response.obj : undefined;
    if (order?.order_id) rememberOrder(ui, spec, order);
    return response;
  },
});
