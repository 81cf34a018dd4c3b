/**
 * A tiny MCP server on standard input and output: one tool, `tool-name`, that writes the word it is given to
 * the file named by the first argument. Started by Claude Code, not by a test.
 * @module
 */

const [log = ""] = Deno.args;
const SCHEMA = { type: "object", properties: { word: { type: "string" } }, required: ["word"] };

let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) await answer(JSON.parse(line));
}

async function answer(
  { id, method, params }: {
    id?: number;
    method: string;
    params?: { protocolVersion?: string; arguments?: { word: string } };
  },
): Promise<void> {
  if (id === undefined) return;
  const result = await handle(method, params);
  const reply = result === null
    ? { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }
    : { jsonrpc: "2.0", id, result };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(reply)}\n`));
}

async function handle(
  method: string,
  params: { protocolVersion?: string; arguments?: { word: string } } = {},
): Promise<unknown> {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "srv", version: "1" },
      };
    case "tools/list":
      return { tools: [{ name: "tool-name", description: "", inputSchema: SCHEMA }] };
    case "tools/call": {
      const word = params.arguments?.word ?? "";
      await Deno.writeTextFile(log, word);
      return { content: [{ type: "text", text: `heard ${word}` }] };
    }
    default:
      return null;
  }
}
