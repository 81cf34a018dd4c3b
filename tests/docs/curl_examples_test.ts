// The four curl examples of docs/api.md, run unchanged except for the port against the demo in its own process.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { readTaskFlags } from "../helpers/task_flags.ts";

const ROOT = new URL("../../", import.meta.url);
const api = Deno.readTextFileSync(new URL("docs/api.md", ROOT));

/** The examples, in their order. */
const [plain = "", streaming = "", tools = "", image = "", ...more] = readCurlBlocks(api);

const HAS_CURL = hasCurl();

function readCurlBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n(curl [\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
}

function hasCurl(): boolean {
  if (Deno.build.os === "windows") return false;
  try {
    return new Deno.Command("sh", { args: ["-c", "curl --version"] }).outputSync().success;
  } catch {
    return false;
  }
}

interface Demo {
  port: string;
  /** Stops the demo with SIGTERM. @returns its exit code */
  stop(): Promise<number>;
}

/** Starts the demo with the permissions of its task, on a free port. */
async function startDemo(): Promise<Demo> {
  const demo = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-lock",
      ...readTaskFlags("demo"),
      "--import-map=tools/jsr_fallback/import_map.json",
      "main.ts",
      "demo",
    ],
    cwd: ROOT,
    env: { PORT: "0", HOST: "0.0.0.0", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const { promise: port, resolve, reject } = Promise.withResolvers<string>();
  const drained = drain(demo.stdout, resolve).then((text) =>
    reject(new Error(`the demo exited without printing its port:\n${text}`))
  );
  const stop = async () => {
    demo.kill("SIGTERM");
    const { code } = await demo.status;
    await drained;
    return code;
  };
  try {
    return { port: await port, stop };
  } catch (error) {
    await demo.status;
    throw error;
  }
}

/** Reads all output, so that the demo is never blocked, and reports the port when it is printed. */
async function drain(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
  onPort: (port: string) => void,
): Promise<string> {
  let text = "";
  for await (const piece of output.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const port = /ANTHROPIC_BASE_URL=http:\/\/localhost:(\d+)\s/.exec(text)?.[1];
    if (port !== undefined) onPort(port);
  }
  return text;
}

/** Runs an example. curl also gets options to be quiet and to print the status in a last line. */
async function runExample(
  example: string,
  port: string,
): Promise<{ status: string; text: string }> {
  const command = example
    .replace("localhost:8000", `localhost:${port}`)
    .replace(/^curl /, "curl -sS --max-time 30 -w '\\n%{http_code} %{content_type}' ");
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", command],
    env: { no_proxy: "localhost" },
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  const lines = decoder.decode(stdout).split("\n");
  return { status: lines.pop() ?? "", text: lines.join("\n") };
}

interface Message {
  type: string;
  role: string;
  model: string;
  stop_reason: string;
  content: { type: string; text?: string; name?: string; input?: Record<string, unknown> }[];
  usage: { input_tokens: number; output_tokens: number };
}

/** The message that an example returns, with the checks that apply to all examples. */
async function requestMessage(example: string, port: string): Promise<Message> {
  const { status, text } = await runExample(example, port);
  assertEquals(status, "200 application/json", text);
  const message = JSON.parse(text) as Message;
  assertEquals([message.type, message.role, message.model], [
    "message",
    "assistant",
    "claude-sonnet-4-5",
  ]);
  assert(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  return message;
}

Deno.test("docs/api.md has four curl examples, each with all headers and against port 8000", () => {
  assertEquals(more, []);
  for (const example of [plain, streaming, tools, image]) {
    assertMatch(example, /^curl (-N )?http:\/\/localhost:8000\/v1\/messages \\\n/);
    for (
      const header of [
        "content-type: application/json",
        "anthropic-version: 2023-06-01",
        "x-api-key: any",
      ]
    ) {
      assert(example.includes(`-H '${header}'`), header);
    }
    const body = /-d '([\s\S]*)'\n$/.exec(example)?.[1] ?? "";
    assert(!body.includes("'"), "an apostrophe would end the shell's string");
    JSON.parse(body);
  }
});

Deno.test("the image in docs/api.md is a PNG of one pixel that decodes", async () => {
  const bytes = Uint8Array.fromBase64(/"data": "([^"]+)"/.exec(image)?.[1] ?? "");
  assertEquals([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  const names: string[] = [];
  let pixels = new Uint8Array();
  for (let offset = 8; offset < bytes.length;) {
    const length = view.getUint32(offset);
    const chunk = bytes.subarray(offset + 4, offset + 8 + length);
    assertEquals(view.getUint32(offset + 8 + length), crc32(chunk), "CRC");
    const name = new TextDecoder().decode(chunk.subarray(0, 4));
    names.push(name);
    if (name === "IHDR") {
      assertEquals([view.getUint32(offset + 8), view.getUint32(offset + 12)], [1, 1]);
    }
    if (name === "IDAT") pixels = await inflate(chunk.slice(4));
    offset += 12 + length;
  }
  assertEquals(names, ["IHDR", "IDAT", "IEND"]);
  // A filter byte, then red, green, blue.
  assertEquals([...pixels], [0, 255, 0, 0]);
});

/** PNG's checksum, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test({
  name: `the four curl examples of docs/api.md work against the demo${
    HAS_CURL ? "" : " (not run: curl missing)"
  }`,
  ignore: !HAS_CURL,
  async fn(test) {
    const demo = await startDemo();
    let code: number | null = null;
    try {
      await test.step("plain", async () => {
        const { stop_reason, content } = await requestMessage(plain, demo.port);
        assertEquals(stop_reason, "end_turn");
        assertEquals(content.at(-1)?.type, "text");
        assert(content.at(-1)?.text, "no text");
      });
      await test.step("streaming", async () => {
        const { status, text } = await runExample(streaming, demo.port);
        assertMatch(status, /^200 text\/event-stream/);
        const events = [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
        assertEquals(events[0], "message_start");
        assert(events.includes("content_block_delta"), text);
        assertEquals(events.slice(-2), ["message_delta", "message_stop"]);
      });
      await test.step("tools", async () => {
        const { stop_reason, content } = await requestMessage(tools, demo.port);
        assertEquals(stop_reason, "tool_use");
        const call = content.find((block) => block.type === "tool_use");
        assertEquals(call?.name, "get_weather");
        assertEquals(typeof call?.input?.["city"], "string");
      });
      await test.step("image", async () => {
        const { stop_reason, content } = await requestMessage(image, demo.port);
        assertEquals(stop_reason, "end_turn");
        // The simulated upstream describes its input.
        assertMatch(content.at(-1)?.text ?? "", /\b1 image\b/);
      });
    } finally {
      code = await demo.stop();
    }
    assertEquals(code, 0, "the demo did not exit cleanly");
  },
});
