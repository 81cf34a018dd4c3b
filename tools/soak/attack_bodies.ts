/**
 * Request bodies of a given size that are expensive to process. All are valid JSON, some are invalid requests.
 * @module
 */

/** One kind of body. */
export interface Body {
  name: string;
  /** `/v1/messages` unless given. */
  path?: string;
  build: (bytes: number) => string;
}

const PREFIX = '"model":"claude-sonnet-4-5","max_tokens":9';
const MESSAGE = '{"role":"user","content":"attack:ok"}';
const PIXEL = '"type":"base64","media_type":"image/png","data":';

/** `before`, then `item` as often as it fits, separated by commas, then `after`. */
function fill(bytes: number, { before, item, after }: Record<"before" | "item" | "after", string>) {
  const count = Math.floor((bytes - before.length - after.length) / (item.length + 1));
  return `${before}${Array.from({ length: count }, () => item).join(",")}${after}`;
}

function inBody(bytes: number, field: string, item: string): string {
  const before = `{${PREFIX},"messages":[${MESSAGE}],${field}`;
  return fill(bytes, { before, item, after: close(field) + "}" });
}

function inContent(bytes: number, item: string): string {
  const before = `{${PREFIX},"messages":[{"role":"user","content":[`;
  return fill(bytes, { before, item, after: "]}]}" });
}

/** The closing brackets that a JSON prefix lacks. */
function close(text: string): string {
  const open: string[] = [];
  for (const char of text.replaceAll(/"[^"]*"/g, "")) {
    if (char === "[") open.push("]");
    else if (char === "{") open.push("}");
    else if (char === "]" || char === "}") open.pop();
  }
  return open.reverse().join("");
}

/** The bodies. */
export const BODIES: readonly Body[] = [
  {
    name: "images of =",
    path: "/v1/messages/count_tokens",
    build: (bytes) =>
      inContent(
        Math.min(bytes, 5 * 66_000),
        `{"type":"image","source":{${PIXEL}"${"=".repeat(65_000)}A"}}`,
      ),
  },
  {
    name: "user_id of _session_ (225 KB)",
    build: (bytes) =>
      `{${PREFIX},"messages":[${MESSAGE}],"metadata":{"user_id":"${
        "_session_".repeat(Math.min(bytes, 225_000) / 9)
      }!"}}`,
  },
  {
    name: "messages: numbers",
    build: (bytes) => fill(bytes, { before: `{${PREFIX},"messages":[`, item: "1", after: "]}" }),
  },
  { name: "stop_sequences", build: (bytes) => inBody(bytes, '"stop_sequences":[', '"a"') },
  {
    name: "turns",
    build: (bytes) =>
      fill(bytes, {
        before: `{${PREFIX},"messages":[`,
        item: '{"role":"user","content":"a"}',
        after: "]}",
      }),
  },
  { name: "text blocks", build: (bytes) => inContent(bytes, '{"type":"text","text":"a"}') },
  {
    name: "text blocks in a tool result",
    build: (bytes) =>
      fill(bytes, {
        before:
          `{${PREFIX},"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[`,
        item: '{"type":"text","text":"a"}',
        after: "]}]}]}",
      }),
  },
  {
    name: "images in a tool result",
    build: (bytes) =>
      fill(bytes, {
        before:
          `{${PREFIX},"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{}}]},` +
          `{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[`,
        item: `{"type":"image","source":{${PIXEL}"A"}}`,
        after: "]}]}]}",
      }),
  },
  {
    name: "thinking blocks",
    build: (bytes) =>
      fill(bytes, {
        before: `{${PREFIX},"messages":[${MESSAGE},{"role":"assistant","content":[`,
        item: '{"type":"thinking","thinking":"a","signature":"b"}',
        after: "]}]}",
      }),
  },
  {
    name: "calls",
    build: (bytes) =>
      fill(bytes, {
        before: `{${PREFIX},"messages":[${MESSAGE},{"role":"assistant","content":[`,
        item: '{"type":"tool_use","id":"a","name":"b","input":{}}',
        after: "]}]}",
      }),
  },
  {
    name: "tools",
    build: (bytes) => inBody(bytes, '"tools":[', '{"type":"computer_20250124","name":"a"}'),
  },
  {
    name: "properties of a schema",
    build: (bytes) =>
      inBody(
        bytes,
        '"tools":[{"name":"a","input_schema":{"type":"object","anyOf":[',
        '{"type":"object"}',
      ),
  },
  {
    name: "numbers in a call's input",
    build: (bytes) =>
      fill(bytes, {
        before:
          `{${PREFIX},"messages":[${MESSAGE},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{"a":[`,
        item: "1",
        after: "]}}]}]}",
      }),
  },
  { name: "safeguards", build: (bytes) => inBody(bytes, '"safeguards":[', '{"type":"a"}') },
  {
    name: "edits",
    build: (bytes) => inBody(bytes, '"context_management":{"edits":[', '{"type":"a"}'),
  },
  { name: "fallbacks", build: (bytes) => inBody(bytes, '"fallbacks":[', '{"model":"a/b"}') },
  {
    name: "a model's name",
    build: (bytes) =>
      `{"model":"x/${
        "a".repeat(Math.min(bytes, 4_000_000))
      }","max_tokens":9,"messages":[${MESSAGE}]}`,
  },
  {
    name: "one text",
    build: (bytes) =>
      inContent(2, `{"type":"text","text":"${"a".repeat(bytes - 200)}"}`).replace(
        "[]",
        `[{"type":"text","text":"attack:ok ${"a".repeat(bytes - 200)}"}]`,
      ),
  },
  {
    name: "one image",
    build: (bytes) =>
      `{${PREFIX},"messages":[${MESSAGE},{"role":"user","content":[{"type":"image","source":{${PIXEL}"${
        "A".repeat(bytes - 300)
      }"}}]}]}`,
  },
];
