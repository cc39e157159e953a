import createClient, { type Client, type ClientOptions } from "openapi-fetch";

import type { components, paths } from "./schema.js";

// <types>

/** Who calls, and how. */
export interface RowlockOptions extends Pick<ClientOptions, "fetch"> {
  /** A customer's bearer token. */
  token?: string;
  /** The key of an admin or a box office. */
  apiKey?: string;
}

/** What every call takes. */
export interface CallOptions {
  /** Gives up waiting for the answer: `AbortSignal.timeout(5000)`. What was asked for may have happened all the same. */
  signal?: AbortSignal;
}

/** A refusal: branch on its `code`. */
export class RowlockError extends Error {
  override readonly name = "RowlockError";
  /** What went wrong, as a stable word. */
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
    this.retryAfterS = seconds === null ? undefined : Number(seconds);
  }
}

/** An answer that did not come from Rowlock, such as the page of a proxy. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** What came. */
    readonly body: unknown,
  ) {
    super(`an answer of status ${status} that is no problem body`);
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
  }

  // <methods>
}

type Outcome<T> = { response: Response } & ({ data: T; error?: never } | { data?: never; error: unknown });

function answered<T>({ data, error, response }: Outcome<T>): T {
  if (response.ok) return data as T;
  throw isProblem(error) ? new RowlockError(error, response) : new UnexpectedAnswer(response.status, error);
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

function request({ signal }: CallOptions): { signal?: AbortSignal } {
  return present({ signal });
}
