/**
 * A minimal MCP server on standard input and output. Its tools write their input to the file in the first argument.
 * Started by Claude Code, not by a test.
 * @module
 */

const [log = ""] = Deno.args;

/** `z.toJSONSchema` of zod 4, as MCP servers use it, for an email address, a pair, a record and a union. */
const INVITATION = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    email: {
      type: "string",
      format: "email",
      pattern:
        "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    },
    name: { type: "string", minLength: 1, pattern: "^\\p{L}+$" },
    seats: { type: "integer", exclusiveMinimum: 0, maximum: 9007199254740991 },
    labels: {
      type: "object",
      propertyNames: { type: "string" },
      additionalProperties: { type: "string" },
    },
    place: {
      type: "array",
      prefixItems: [{ type: "number" }, { type: "number" }],
    },
    note: { anyOf: [{ type: "string" }, { type: "null" }] },
  },
  required: ["email"],
  additionalProperties: false,
};

const WORD = { type: "object", properties: { word: { type: "string" } }, required: ["word"] };

const TOOLS = [
  { name: "tool-name", description: "", inputSchema: WORD },
  { name: "invite", description: "Invites someone", inputSchema: INVITATION },
  { name: "ping", description: "Responds", inputSchema: { type: "object" } },
];

interface Params {
  protocolVersion?: string;
  name?: string;
  arguments?: Record<string, unknown>;
}

let remainder = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (remainder + text).split("\n");
  remainder = lines.pop() ?? "";
  for (const line of lines) await respond(JSON.parse(line));
}

async function respond(
  { id, method, params }: { id?: number; method: string; params?: Params },
): Promise<void> {
  if (id === undefined) return;
  const result = await handle(method, params);
  const response = result === null
    ? { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }
    : { jsonrpc: "2.0", id, result };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(response)}\n`));
}

async function handle(method: string, params: Params = {}): Promise<unknown> {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "srv", version: "1" },
      };
    case "tools/list":
      return { tools: TOOLS };
    case "tools/call": {
      const { word, email } = params.arguments ?? {};
      const input = String(word ?? email ?? "nothing");
      await Deno.writeTextFile(log, input);
      return { content: [{ type: "text", text: `received ${input}` }] };
    }
    default:
      return null;
  }
}
