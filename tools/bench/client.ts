// HTTP/1.1 client over a plain connection, because `fetch` would cost more than what is measured. Keeps the bytes of
// a response, which is checked after the measurement.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** The last chunk of a body. */
const END = encoder.encode("0\r\n\r\n");

/** A request, rendered once. */
export function renderRequest(port: number, body: unknown): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(JSON.stringify(body));
  const headers = [
    "POST /v1/messages HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    "content-type: application/json",
    "anthropic-version: 2023-06-01",
    `content-length: ${bytes.length}`,
  ].join("\r\n");
  const request = new Uint8Array(headers.length + 4 + bytes.length);
  encoder.encodeInto(`${headers}\r\n\r\n`, request);
  request.set(bytes, headers.length + 4);
  return request;
}

/** One connection for many requests. */
export class BenchClient {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(64 * 1024);

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<BenchClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new BenchClient(conn);
  }

  async send(request: Uint8Array): Promise<void> {
    for (let done = 0; done < request.length;) {
      done += await this.#conn.write(request.subarray(done));
    }
  }

  /** The next bytes, which the following read overwrites. */
  async read(): Promise<Uint8Array> {
    const count = await this.#conn.read(this.#buffer);
    if (count === null) throw new Error("The connection closed inside a response");
    return this.#buffer.subarray(0, count);
  }

  /** A complete response with headers and framing. @param parts what has been read of it */
  async readResponse(parts: Uint8Array[] = []): Promise<Uint8Array[]> {
    while (!endsResponse(parts)) parts.push((await this.read()).slice());
    return parts;
  }

  close(): void {
    this.#conn.close();
  }
}

/** Whether the last bytes end a chunked body. They may span two reads. */
function endsResponse(parts: Uint8Array[]): boolean {
  let at = END.length - 1;
  for (let i = parts.length - 1; i >= 0 && at >= 0; i--) {
    const part = parts[i] ?? END;
    for (let j = part.length - 1; j >= 0 && at >= 0; j--, at--) {
      if (part[j] !== END[at]) return false;
    }
  }
  return at < 0;
}

/** The text of a chunked response. @throws {Error} for a status other than 200 */
export function decodeResponse(parts: Uint8Array[]): string {
  const text = parts.map((part) => decoder.decode(part, { stream: true })).join("");
  if (!text.startsWith("HTTP/1.1 200")) throw new Error(`The response is ${text.slice(0, 300)}`);
  let body = "";
  let at = text.indexOf("\r\n\r\n") + 4;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}
