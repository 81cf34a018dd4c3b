/** Tools, tool choice, and the plugin for PDFs. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { type RequestOptions, translateRequest } from "../../../lib/translate/request/request.ts";
import { translateToolChoice, visibleTools } from "../../../lib/translate/request/tools.ts";
import { ToolNames } from "../../../lib/translate/tool_names.ts";

type Json = Record<string, unknown>;

const OBJECT = { type: "object" };
const tool = (name: string, more: Json = {}) => ({ name, input_schema: OBJECT, ...more });
const parse = (more: Json) =>
  parseMessagesRequest({
    model: "m",
    max_tokens: 10,
    messages: [{ role: "user", content: "Hi" }],
    ...more,
  });
const translate = (more: Json, options: Partial<RequestOptions> = {}) =>
  translateRequest(parse(more), { models: ["openai/g"], ...options });

const call = { type: "tool_use", id: "c", name: "Called", input: {} };
const reference = (tool_name: string) => ({ type: "tool_reference", tool_name });

Deno.test("visibleTools hides deferred tools until the history or tool_choice names them", () => {
  const names = ["Called", "Found", "Added", "Chosen", "Hidden"];
  const tools = [tool("Read"), ...names.map((name) => tool(name, { defer_loading: true }))];
  const messages = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: [{ type: "text", text: "Hidden" }, call] },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "c",
          content: [{ type: "text", text: "x" }, reference("Found")],
        },
      ],
    },
    {
      role: "system",
      content: [{ type: "text", text: "Note" }, {
        type: "tool_addition",
        tool: { type: "tool_reference", name: "Added" },
      }],
    },
  ];
  const visible = (more: Json) => visibleTools(parse({ tools, ...more })).map(({ name }) => name);
  assertEquals(visible({}), ["Read"]);
  assertEquals(visible({ tool_choice: { type: "any" } }), ["Read"]);
  assertEquals(visible({ tool_choice: { type: "tool", name: "Chosen" } }), ["Read", "Chosen"]);
  assertEquals(visible({ messages, tool_choice: { type: "tool", name: "Chosen" } }), [
    ...["Read", "Called", "Found", "Added", "Chosen"],
  ]);
  const plain = [messages[0], messages[1], {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "c", content: "Found" }],
  }];
  assertEquals(visible({ messages: plain }), ["Read", "Called"]);
  assertEquals(visible({ tools: [] }), []);
  const shown = [tool("Read"), tool("Write", { defer_loading: false })];
  assertEquals(visible({ tools: shown }), ["Read", "Write"]);
});

Deno.test("translateRequest sends a function with its description, strict and breakpoint, if it has them", () => {
  const function_ = (more: Json = {}) => ({
    type: "function",
    function: { name: "A", parameters: { type: "object", properties: {} }, ...more },
  });
  const sent = (more: Json, options: Partial<RequestOptions> = {}) =>
    JSON.parse(JSON.stringify(translate({ tools: [tool("A", more)] }, options).body.tools?.[0]));
  assertEquals(sent({}), function_());
  assertEquals(sent({ description: "", strict: false, cache_control: null }), function_());
  assertEquals(sent({ description: "d" }), function_({ description: "d" }));
  assertEquals(sent({ strict: true }), function_({ strict: true }));
  assertEquals(sent({ strict: true }, { plainSchemas: true }), function_());
  const cache_control = { type: "ephemeral" };
  assertEquals(sent({ cache_control }), { ...function_(), cache_control });
});

Deno.test("translateRequest requests Claude's beta for strict tools only if Claude may respond", () => {
  const beta = (models: RequestOptions["models"], strict: boolean) =>
    translate({ tools: [tool("A"), tool("B", { strict })] }, { models }).anthropicBeta;
  const name = "structured-outputs-2025-11-13";
  assertEquals(beta(["anthropic/c"], true), name);
  assertEquals(beta(["openai/g", "anthropic/c"], true), name);
  assertEquals([beta(["openai/g"], true), beta(["anthropic/c"], false)], [null, null]);
});

/** Schema → the parameters that are sent. */
const SCHEMAS: [schema: Json, parameters: Json][] = [
  [{ type: "object" }, { type: "object", properties: {} }],
  [{ type: "object", properties: null }, { type: "object", properties: {} }],
  [{ type: "object", properties: { a: {} }, required: ["a"] }, {
    type: "object",
    properties: { a: {} },
    required: ["a"],
  }],
  [{ type: "object", properties: { a: {} }, required: null }, {
    type: "object",
    properties: { a: {} },
  }],
];

for (const [input_schema, parameters] of SCHEMAS) {
  Deno.test(`translateRequest completes the schema ${JSON.stringify(input_schema)}`, () => {
    const { body } = translate({ tools: [tool("A", { input_schema })] }, {
      models: ["mistralai/m"],
    });
    const [sent] = body.tools ?? [];
    assertEquals(sent?.type === "function" ? sent.function.parameters : null, parameters);
  });
}

Deno.test("translateToolChoice translates each form", () => {
  const names = new ToolNames(["a.b"]);
  const choices: [anthropic.ToolChoice, unknown][] = [
    [{ type: "auto" }, "auto"],
    [{ type: "any" }, "required"],
    [{ type: "none" }, "none"],
    [{ type: "web_search" }, { type: "openrouter:web_search" }],
    [{ type: "web_fetch" }, { type: "openrouter:web_fetch" }],
    [{ type: "advisor" }, { type: "openrouter:advisor" }],
    [{ type: "tool", name: "a.b" }, {
      type: "function",
      function: { name: names.toUpstream("a.b") },
    }],
  ];
  for (const [choice, expected] of choices) {
    assertEquals<unknown>(translateToolChoice(choice, names), expected);
  }
});

Deno.test("translateRequest sends parallel_tool_calls only to turn them off", () => {
  const sent = (tool_choice: Json) => {
    const { body } = translate({ tools: [tool("A")], tool_choice });
    return [body.tool_choice, body.parallel_tool_calls];
  };
  for (const off of [undefined, null, false]) {
    assertEquals(sent({ type: "auto", disable_parallel_tool_use: off }), ["auto", undefined]);
  }
  assertEquals(sent({ type: "any", disable_parallel_tool_use: true }), ["required", false]);
  assertEquals(sent({ type: "none" }), ["none", undefined]);
  assertEquals(sent({ type: "none", disable_parallel_tool_use: true }), ["none", undefined]);
});

const PDF = { type: "document", source: { type: "url", url: "https://a.test/b.pdf" } };
const IMAGE = { type: "image", source: { type: "url", url: "https://a.test/b.png" } };

Deno.test("translateRequest sends the PDF engine for a PDF anywhere in the conversation, and for nothing else", () => {
  const plugins = (content: unknown, pdfEngine?: string) => {
    const messages = [{ role: "user", content }, { role: "assistant", content: "a" }, {
      role: "user",
      content: "b",
    }];
    return translate({ messages }, { pdfEngine }).body.plugins;
  };
  assertEquals(plugins([IMAGE, PDF], "native"), [{ id: "file-parser", pdf: { engine: "native" } }]);
  assertEquals([plugins([PDF]), plugins([IMAGE], "native"), plugins("a", "native")], [
    ...[undefined, undefined, undefined],
  ]);
});
