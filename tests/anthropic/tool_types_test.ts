// Which types of tools are recognized: a date may follow the name, and nothing else.

import { assertEquals } from "@std/assert";
import { findClientTool } from "../../lib/anthropic/client_tools.ts";
import { findServerTool } from "../../lib/anthropic/parse_server_tools.ts";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { body, schema } from "../helpers/invalid_requests.ts";

/** Names of types that a date follows, with the tool. */
const DATED: [name: string, tool: string][] = [
  ["bash", "bash"],
  ["memory", "memory"],
  ["text_editor", "str_replace_based_edit_tool"],
  ["web_search", "web_search"],
  ["web_fetch", "web_fetch"],
  ["advisor", "advisor"],
];
const find = (type: string) => findClientTool(type)?.name ?? findServerTool(type);

for (const [name, tool] of DATED) {
  Deno.test(`the type ${name} is recognized with any date, and only with a date`, () => {
    for (const date of ["20250429", "20990101"]) assertEquals(find(`${name}_${date}`), tool);
    const others = ["", "_", "_2025042", "_202504290", "_20250429_beta", "_2025042x", "20250429"];
    for (const rest of others) assertEquals(find(name + rest), undefined, rest);
  });

  Deno.test(`a type that only ends in ${name} and a date is not recognized`, () => {
    for (const first of ["x", "my_", " "]) {
      assertEquals(find(`${first}${name}_20250429`), undefined, first);
    }
  });
}

Deno.test("text editors of two dates have their older name", () => {
  for (const date of ["20241022", "20250124"]) {
    assertEquals(find(`text_editor_${date}`), "str_replace_editor");
    for (const type of [`x_text_editor_${date}`, `text_editor_${date}0`]) {
      assertEquals(find(type), undefined);
    }
  }
});

Deno.test("a type that is not a string is not a server tool", () => {
  for (const type of [undefined, null, 1, ["web_search_20250305"]]) {
    assertEquals(findServerTool(type), undefined);
  }
});

/** Properties of a function by name, with their type; commands with the commands. */
function describe(type: string): unknown {
  const { properties = {}, required, ...rest } = JSON.parse(
    JSON.stringify(findClientTool(type)?.input_schema),
  );
  const described = Object.entries<{ type: string; enum?: string[]; description?: string }>(
    properties,
  )
    .map(([name, property]) => {
      assertEquals(typeof property.description, "string", name);
      return [name, property.enum?.join() ?? property.type];
    });
  return { ...rest, required, properties: Object.fromEntries(described) };
}

Deno.test("client tools have the parameters of Anthropic's documentation", () => {
  const files = {
    path: "string",
    view_range: "array",
    file_text: "string",
    old_str: "string",
    new_str: "string",
    insert_line: "integer",
  };
  assertEquals(describe("bash_20250124"), {
    type: "object",
    required: undefined,
    properties: { command: "string", restart: "boolean" },
  });
  assertEquals(describe("memory_20250818"), {
    type: "object",
    required: ["command"],
    properties: {
      ...files,
      command: "view,create,str_replace,insert,delete,rename",
      insert_text: "string",
      old_path: "string",
      new_path: "string",
    },
  });
  assertEquals(describe("text_editor_20250124"), {
    type: "object",
    required: ["command", "path"],
    properties: { ...files, command: "view,create,str_replace,insert,undo_edit" },
  });
  assertEquals(describe("text_editor_20250728"), {
    type: "object",
    required: ["command", "path"],
    properties: { ...files, command: "view,create,str_replace,insert", insert_text: "string" },
  });
  for (const type of ["bash_20250124", "memory_20250818", "text_editor_20250728"]) {
    assertEquals(Boolean(findClientTool(type)?.description), true);
  }
});

Deno.test("the lines to view are two integers", () => {
  for (const type of ["memory_20250818", "text_editor_20250124", "text_editor_20250728"]) {
    const text = JSON.stringify(findClientTool(type)?.input_schema["properties"]);
    const { description: _, ...range } = JSON.parse(text).view_range;
    assertEquals(range, { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 2 });
  }
});

const plain = { name: "Read", input_schema: schema };
const parse = (...tools: unknown[]) => parseMessagesRequest(body({ tools }));

Deno.test("only a tool search makes the deferred tools visible", () => {
  const isDeferred = (type: string) =>
    parse({ ...plain, defer_loading: true }, { type, name: "s" }).tools[0]?.defer_loading;
  const found = [
    "tool_search_tool_regex",
    "tool_search_tool_bm25",
    "tool_search_tool_bm25_20251119",
  ];
  assertEquals(found.map(isDeferred), [undefined, undefined, undefined]);
  for (
    const type of [
      "tool_search_tool",
      "x_tool_search_tool_regex",
      "tool_search_tool_regexp",
      "tool_search_tool_regex_2025",
      "tool_search_tool_bm25_202511190",
      "computer_20250124",
    ]
  ) {
    assertEquals(isDeferred(type), true, type);
  }
});

Deno.test("the type of a dropped tool is reported up to 64 characters", () => {
  const types = [63, 64, 65].map((length) => "t".repeat(length));
  assertEquals(types.map((type) => parse({ type }).droppedFields), [
    [`tools.${"t".repeat(63)}`],
    [`tools.${"t".repeat(64)}`],
    [`tools.${"t".repeat(64)}`],
  ]);
});

Deno.test("a request may require a call of any tool while one is left", () => {
  const code = { type: "code_execution_20250825", name: "code_execution" };
  const others = [
    plain,
    { type: "bash_20250124", name: "bash" },
    ...["web_search_20250305", "web_fetch_20250910", "advisor_20260301"].map((type) => ({ type })),
  ];
  for (const other of others) {
    const request = body({ tools: [code, other], tool_choice: { type: "any" } });
    assertEquals(parseMessagesRequest(request).tool_choice?.type, "any", JSON.stringify(other));
  }
  // Without any tools upstream decides.
  assertEquals(
    parseMessagesRequest(body({ tool_choice: { type: "any" } })).tool_choice?.type,
    "any",
  );
});

Deno.test("server tools can be required by their names", () => {
  for (const name of ["web_search", "web_fetch", "advisor"]) {
    const request = body({
      tools: [{ type: `${name}_20260301`, name }, plain],
      tool_choice: { type: "tool", name },
    });
    assertEquals<unknown>(parseMessagesRequest(request).tool_choice, {
      type: name,
      disable_parallel_tool_use: undefined,
    });
  }
});

Deno.test("server tools take their limits, and an empty list of domains has no effect", () => {
  const search = {
    type: "web_search_20250305",
    max_uses: 1,
    allowed_domains: ["a.example"],
    blocked_domains: [],
    user_location: { type: "approximate", city: "c", region: "r", country: "DE", timezone: "t" },
  };
  const fetch = {
    type: "web_fetch_20250910",
    max_uses: 2,
    allowed_domains: [],
    blocked_domains: ["b.example"],
    max_content_tokens: 1,
  };
  const advisor = { type: "advisor_20260301", model: "m", max_tokens: 1, max_uses: 3 };
  const request = parse(search, fetch, advisor);
  const { type: _, ...searched } = search;
  const { type: __, ...fetched } = fetch;
  assertEquals<unknown>([request.web_search, request.web_fetch, request.advisor], [
    { ...searched, blocked_domains: undefined },
    { ...fetched, allowed_domains: undefined },
    { model: "m", max_tokens: 1 },
  ]);
  assertEquals(request.droppedFields, ["tools.advisor.max_uses"]);
});

Deno.test("tools keep their places", () => {
  const { tools } = parse(
    { type: "computer_20250124", name: "computer" },
    { ...plain, strict: true, description: "Reads" },
    { type: "web_search_20250305" },
    { type: "bash_20250124", strict: false },
  );
  const found = tools.map(({ name, position, strict }) => [name, position, strict]);
  assertEquals<unknown>(found, [["Read", 1, true], ["bash", 3, false]]);
});
