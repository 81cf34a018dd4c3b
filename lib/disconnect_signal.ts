/**
 * The signal that reports a client's disconnect before the response has headers; nothing else reports it. Deno 2.9
 * aborts it after a successful response too, which nothing here depends on, but it prints a warning about that, once
 * per process. The warning is dropped: it would appear on Claude Code's screen and in embedding programs, and the flag
 * that avoids it is not available to either.
 * @module
 */

/** How the warning begins. */
const WARNING = "Deno.serve: request.signal aborts on successful responses";

/** Reads `request.signal` without the warning of the runtime. Messages of the program itself are not affected. */
export function readDisconnectSignal(request: Request): AbortSignal {
  dropWarning();
  return request.signal;
}

/** The disconnect of the client of one request, until its response has ended. */
export class Disconnect {
  readonly #request: Request;
  readonly #controller = new AbortController();
  /** Of the runtime; null unless somebody waits for a disconnect. */
  #source: AbortSignal | null = null;
  readonly #abort = () => this.#controller.abort(this.#source?.reason);

  constructor(request: Request) {
    this.#request = request;
  }

  /** Aborted when the client disconnects before `stop`. */
  get signal(): AbortSignal {
    if (this.#source === null) {
      this.#source = readDisconnectSignal(this.#request);
      this.#source.addEventListener("abort", this.#abort);
      if (this.#source.aborted) this.#abort();
    }
    return this.#controller.signal;
  }

  /** Call it at the end of the response: after each success the runtime aborts, and listeners would cost time. */
  stop(): void {
    this.#source?.removeEventListener("abort", this.#abort);
  }
}

/** State of the process, like the warning: a second filter would wait for a warning that does not come. */
let isFiltered = false;

/** Replaces `console.warn`, with which the runtime prints, until the warning has been dropped. */
function dropWarning(): void {
  if (isFiltered) return;
  isFiltered = true;
  const { console } = globalThis;
  const { warn } = console;
  const filter = (...data: unknown[]) => {
    if (!String(data[0]).startsWith(WARNING)) return warn.apply(console, data);
    // Otherwise the embedding program has replaced it since.
    if (console.warn === filter) console.warn = warn;
  };
  console.warn = filter;
}
