import createClient, { type Client, type ClientOptions, type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema.js";

// <types>

/** Who calls, and how. */
export interface RowlockOptions extends Pick<ClientOptions, "fetch"> {
  /** A customer's bearer token. */
  token?: string | undefined;
  /** The key of an admin or a box office. */
  apiKey?: string | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Gives up waiting for the answer: `AbortSignal.timeout(5000)`. What was asked for may have happened all the same. */
  signal?: AbortSignal | undefined;
}

/** What a call on behalf of a customer takes. */
export interface CustomerCallOptions extends CallOptions {
  /** This customer's bearer token for this call, instead of the client's: one client can serve many customers. */
  token?: string | undefined;
}

/** A refusal: branch on its `code`. */
export class RowlockError extends Error {
  override readonly name = "RowlockError";
  /** What went wrong, as a word that never changes. */
  readonly code: ProblemCode;
  /** The HTTP status. */
  readonly status: number;
  /** Everything the server said about it. */
  readonly problem: Problem;
  /** How long to wait before asking again, in seconds, where the server says so. */
  readonly retryAfterS: number | undefined;

  constructor(problem: Problem, response: Response) {
    super(`${problem.code}: ${problem.detail}`);
    this.code = problem.code;
    this.status = response.status;
    this.problem = problem;
    const seconds = response.headers.get("Retry-After");
    this.retryAfterS = seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) : undefined;
  }
}

/** An answer that did not come from Rowlock, such as the page of a proxy. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
  /** The HTTP status. */
  readonly status: number;
  /** What came. */
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(`an answer of status ${status} that is not Rowlock's`);
    this.status = status;
    this.body = body;
  }
}

/** Rowlock's operations, a method each: it answers the body of the success and throws a `RowlockError` otherwise. */
export class Rowlock {
  /** The same operations by path, with the headers of their answers, for example to read a list only if it changed. */
  readonly api: Client<paths>;

  constructor(baseUrl: string, options: RowlockOptions = {}) {
    const { token, apiKey, ...rest } = options;
    const headers = { Authorization: token === undefined ? undefined : `Bearer ${token}`, "X-Api-Key": apiKey };
    this.api = createClient<paths>({ baseUrl, headers, ...rest });
    this.api.use(refusingPages);
  }

  // <methods>
}

/** A success that should be JSON and is not came from somewhere else. */
const refusingPages: Middleware = {
  onResponse: async ({ response, options }) => {
    if (!response.ok || response.status === 204 || options.parseAs !== "json") return;
    const type = response.headers.get("Content-Type") ?? "";
    if (!/^application\/json\b/i.test(type)) throw new UnexpectedAnswer(response.status, await response.text());
  },
};

// Without `exactOptionalPropertyTypes` the compiler takes the data of an answer to be `undefined` as well, so that is excluded here.
interface Outcome<T> {
  response: Response;
  data?: T;
  error?: unknown;
}

function answered<T>({ data, error, response }: Outcome<T>): Exclude<T, undefined> {
  if (response.ok && data !== undefined) return data as Exclude<T, undefined>;
  throw isProblem(error) ? new RowlockError(error, response) : new UnexpectedAnswer(response.status, error);
}

function done({ error, response }: Outcome<unknown>): void {
  if (!response.ok) answered({ error, response });
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "request_id" in body;
}

/** The values that are there, without those that are `undefined`. */
type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** What openapi-fetch takes of the options that every call has; the token goes before the client's. */
function request({ signal, token }: CustomerCallOptions): { signal?: AbortSignal; headers?: { Authorization: string } } {
  return present({ signal, headers: token === undefined ? undefined : { Authorization: `Bearer ${token}` } });
}

/** A body that was signed is sent as the text it is; the name of its type is only for the compiler. */
function verbatim<T>(body: string): T {
  if (typeof body !== "string") throw new TypeError("the body must be the text that was signed, such as JSON.stringify(notice)");
  return body as T;
}
