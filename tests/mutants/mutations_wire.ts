/**
 * Mutations of what lies between bytes and events: framing, the lent buffer, the pump, whole bodies.
 * @module
 */

import type { Area } from "./mutation.ts";

export const WIRE_AREAS: readonly Area[] = [
  {
    file: "lib/sse/framing.ts",
    tests: { files: ["framing_test.ts", "mutants_gap_test.ts"] },
    mutations: [
      {
        breaks: "data without a space loses its first character",
        find: 'line.startsWith("data: ") ? 6 : 5',
        replace: "6",
      },
      {
        breaks: "a CRLF that is cut in its middle ends two lines",
        find: 'this.#endedInCr && text.startsWith("\\n") ? text.slice(1) : text',
        replace: "text",
      },
      {
        breaks: "an empty piece between CR and LF makes them two line ends",
        find: 'if (text !== "") this.#endedInCr = text.endsWith("\\r");',
        replace: 'this.#endedInCr = text.endsWith("\\r");',
      },
      {
        breaks: "the data lines of one event run together",
        find: 'this.#data.join("\\n")',
        replace: 'this.#data.join("")',
      },
      {
        breaks: "a last event without its blank line is lost",
        find: '    this.#endLine("", payloads);\n',
        replace: "",
      },
      {
        breaks: "every event repeats those before it",
        find: "      this.#data = [];\n",
        replace: "",
      },
      {
        breaks: "JSON of several lines without framing is cut to its first",
        find: "      this.#isBare = true;\n",
        replace: "",
      },
      {
        breaks: "after JSON without framing, fields are taken for data",
        find: "    this.#isBare = false;\n",
        replace: "",
      },
      {
        breaks: "an event named error is taken for a chunk",
        find: "this.#isError ? toErrorPayload(data) : data",
        replace: "data",
      },
      {
        breaks: "a brace behind data joins it",
        find: " && this.#data.length === 0",
        replace: "",
      },
      {
        breaks: "a line that is cut loses its beginning",
        find: "this.#endLine(this.#line + piece.slice(start, end), payloads);",
        replace: "this.#endLine(piece.slice(start, end), payloads);",
      },
      {
        breaks: "the client's events have no end",
        find: "${data}\\n\\n",
        replace: "${data}\\n",
      },
      {
        breaks: "naive clients that look for the space after data: find none",
        find: "\\ndata: ${data}",
        replace: "\\ndata:${data}",
      },
      {
        breaks: "every delta belongs to the first block",
        find: '"index":${event.index}',
        replace: '"index":0',
      },
      {
        breaks: "text is not escaped",
        find: '"text":${JSON.stringify(delta.text)}',
        replace: '"text":"${delta.text}"',
      },
      {
        breaks: "arguments are not escaped",
        find: '"partial_json":${JSON.stringify(delta.partial_json)}',
        replace: '"partial_json":"${delta.partial_json}"',
      },
      {
        // Not with every piece: that takes longer than a run may.
        breaks: "a long line is searched again and again: quadratic",
        find: "this.#line += start === 0 ? piece : piece.slice(start);",
        replace:
          'this.#line += start === 0 ? piece : piece.slice(start);\n    if (this.#line.length % 10 === 0 && this.#line.includes("\\n")) this.#line = "";',
      },
    ],
  },
  {
    file: "lib/sse/lend.ts",
    tests: { files: ["lend_test.ts"] },
    mutations: [
      {
        breaks: "the buffer is lent again before what it held is decoded",
        find: "await this.#bytes.write(value);",
        replace: "this.#bytes.write(value);",
      },
      {
        breaks: "a text is given twice where the next read ends inside a character",
        find: '    this.#text = "";\n    return text;',
        replace: "    return text;",
      },
      {
        breaks: "bytes that are no UTF-8 become other characters",
        find: "{ fatal: true }",
        replace: "{}",
      },
      {
        breaks: "an end inside a character passes for a good one",
        find: "if (!this.#isCancelled) await this.#bytes.close();",
        replace: "",
      },
      {
        breaks: "a body that is let go inside a character breaks",
        find: "if (!this.#isCancelled) await",
        replace: "await",
      },
      {
        breaks: "upstream goes on when the client has left",
        find: "cancel: () => reader.cancel(),",
        replace: "cancel: () => Promise.resolve(),",
      },
      {
        breaks: "a body that is no byte stream cannot be read",
        find: "if (error instanceof TypeError) return null;",
        replace: "",
      },
      {
        breaks: "a body that breaks off looks like one that ends",
        find: "const { value, done } = await this.#reader.read();",
        replace:
          "const { value, done } = await this.#reader.read().catch(() => ({ done: true as const, value: undefined }));",
      },
    ],
  },
  {
    file: "lib/sse/pump.ts",
    tests: { files: ["pump_test.ts"] },
    mutations: [
      {
        breaks: "a break behind the finish reason spoils a whole answer",
        find: "if (this.#translator.isComplete) return { text: null };",
        replace: "",
      },
      {
        breaks: "a cut connection looks like an end of upstream's",
        find: "return { error: createBrokenOff(cause) };",
        replace: "return { text: null };",
      },
      {
        breaks: "text that came in one read with an error is lost",
        find: 'if (text === "") throw error;',
        replace: "throw error;",
      },
      {
        breaks: "an event that is no JSON is passed over, and its content lost",
        find: 'if (this.#translator.isComplete || isLast || payload.trim() === "") return null;',
        replace: "return null;",
      },
      {
        breaks: "a bad event behind the finish reason spoils a whole answer",
        find: "this.#translator.isComplete || isLast ||",
        replace: "isLast ||",
      },
      {
        breaks: "a silence is called something else",
        find: "throw createSilent(this.#options.timeoutMs);",
        replace: "",
      },
      {
        breaks: "a silence behind the finish reason spoils a whole answer",
        find: "if (this.#hasTimedOut && !this.#translator.isComplete)",
        replace: "if (this.#hasTimedOut)",
      },
      {
        breaks: "upstream goes on, and costs, when the client has left",
        find: 'cancel: () => this.#settle({ how: "client_gone" }),',
        replace: "cancel: () => {},",
      },
      {
        breaks: "upstream is not let go at the end",
        find: "this.#source.cancel().catch(() => {});\n    this.#options.onEnd(end);",
        replace: "this.#options.onEnd(end);",
      },
      {
        breaks: "an end is told twice",
        find: "    if (this.#end !== null) return;\n",
        replace: "",
      },
      {
        breaks: "the clock goes on when the stream has ended",
        find: "clearTimeout(this.#timer);",
        replace: "",
      },
      {
        breaks: "a client that reads late is taken for a silence of upstream",
        find: "this.#waitingSince = null;",
        replace: "",
      },
      {
        breaks: "pings pile up for a client that does not read",
        find: "(this.#controller.desiredSize ?? 0) > 0",
        replace: "true",
      },
      {
        breaks: "no pings are sent",
        find: "if (mayPing && now - this.#sentAt >= pingMs) this.#ping();",
        replace: "",
      },
      {
        breaks: "a head that does not wait for the first chunk comes without a ping",
        find: "this.#encode(this.#translator.start()) + PING",
        replace: "this.#encode(this.#translator.start())",
      },
      {
        breaks: "the head waits for the first chunk however long it takes",
        find: "await Promise.race([this.#underWay, patience.expired])",
        replace: "await this.#underWay",
      },
      {
        breaks: "the read that was under way when the head left is lost",
        find: "const read = this.#underWay ?? this.#read();",
        replace: "const read = this.#read();",
      },
      {
        breaks: "the timer of the head is left behind",
        find: "patience.cancel();",
        replace: "",
      },
      {
        breaks: "upstream is read while the client does not read",
        find: 'cancel: () => this.#settle({ how: "client_gone" }),\n    });',
        replace:
          'cancel: () => this.#settle({ how: "client_gone" }),\n    }, { highWaterMark: 1000 });',
      },
      {
        breaks: "a stream that broke ends without a word",
        find: "text = this.#fail(error);",
        replace: "this.#fail(error);",
      },
      {
        breaks: "[DONE] is no end where upstream stays open",
        find: "if (payload.trim() === DONE) return text + this.#finish();",
        replace: "if (payload.trim() === DONE) continue;",
      },
    ],
  },
  {
    file: "lib/sse/whole.ts",
    tests: { files: ["server_test.ts", "mutants_gap_test.ts"] },
    mutations: [
      {
        breaks: "a body that fell silent passes for a whole one",
        find: "if (isSilent) return null;",
        replace: "",
      },
      {
        breaks: "bytes that are no UTF-8 reach the client as other characters",
        find: "{ fatal: true }",
        replace: "{}",
      },
      {
        breaks: "the whole body is bounded, not each silence",
        find: "      silence.restart();\n",
        replace: "",
      },
    ],
  },
];
