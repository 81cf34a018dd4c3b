// The loader of tests/fixtures: defaults of a file, and errors for files and keys that no test reads.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  listFixtures,
  loadMcpTools,
  loadRequestCases,
  loadResponseCases,
  loadRoundTripCases,
  loadStreamCases,
} from "./fixtures.ts";
import { MESSAGE_START } from "./translator.ts";

/** Calls a function with the URL of a folder with these files, given as text or JSON. */
function withFiles<T>(files: Record<string, unknown>, read: (root: URL) => T): T {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${folder}/a`);
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      Deno.writeTextFileSync(`${folder}/a/${name}`, text);
    }
    return read(new URL(`file:///${folder.replaceAll("\\", "/").replace(/^\//, "")}/`));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("every file in tests/fixtures has a case that a test reads", () => {
  const cases = [
    ...loadRequestCases(),
    ...loadStreamCases(),
    ...loadResponseCases(),
    ...loadRoundTripCases(),
  ];
  const read = new Set(cases.map(({ name }) => name.replace(/#.*/, "")));
  const unread = listFixtures().filter((path) => !read.has(path.replace(/\.(json|sse)$/, "")));
  assertEquals(unread, ["tool_schemas/mcp_servers.tools.json"]);
  assert(loadMcpTools().length > 0);
});

Deno.test("no two request fixtures have the same request and options", () => {
  const cases = loadRequestCases();
  const different = new Set(
    cases.map(({ request, options }) => JSON.stringify({ request, options })),
  );
  assertEquals(different.size, cases.length);
});

Deno.test("the cases of a table add or replace keys of its request, options and body", () => {
  const table = {
    about: "Models",
    request: { model: "m", stream: true },
    body: { model: "x" },
    cases: [
      { name: "one", about: "adds", request: { top_k: 1 }, dropped: [] },
      {
        name: "two",
        about: "replaces",
        request: { model: "n" },
        body: { model: "y" },
        dropped: [],
      },
    ],
  };
  const cases = withFiles({ "b.requests.json": table }, loadRequestCases);
  assertEquals(cases.map(({ name, request, options, body }) => [name, request, options, body]), [
    ["a/b.requests#one", { model: "m", stream: true, top_k: 1 }, {}, { model: "x" }],
    ["a/b.requests#two", { model: "n", stream: true }, {}, { model: "y" }],
  ]);
});

Deno.test("a stream of chunks has an envelope, [DONE] and message_start", () => {
  const stream = {
    about: "s",
    envelope: { id: "i" },
    chunks: [{ choices: [] }, ": hi", 7],
    events: [],
  };
  const [one] = withFiles({ "b.stream.json": stream }, loadStreamCases);
  assertEquals(one?.sse, 'data: {"id":"i","choices":[]}\n\n: hi\n\ndata: 7\n\ndata: [DONE]\n\n');
  assertEquals(one?.events, [MESSAGE_START]);
  const bare = { ...stream, envelope: null, done: false };
  const [other] = withFiles({ "b.stream.json": bare }, loadStreamCases);
  assertEquals(other?.sse, 'data: {"choices":[]}\n\n: hi\n\ndata: 7\n\n');
});

Deno.test("a stream in a .sse file is read byte for byte", () => {
  const files = {
    "b.stream.json": { about: "s", events: [] },
    "b.stream.sse": "\uFEFFdata: x\r\n",
  };
  assertEquals(withFiles(files, loadStreamCases)[0]?.sse, "\uFEFFdata: x\r\n");
});

/** Folders with something that no test checks, and the error message. */
const UNREAD: [string, Record<string, unknown>, string][] = [
  ["a file of an unknown kind", { "b.json": {} }, "No test reads a/b.json"],
  ["a .sse file without its .json", { "b.stream.sse": "" }, "No test reads a/b.stream.sse"],
  ["a stream without chunks", { "b.stream.json": { about: "b" } }, "needs chunks"],
  [
    "a stream with chunks and a .sse file",
    { "b.stream.json": { about: "b", chunks: [] }, "b.stream.sse": "" },
    "has chunks and a .sse file",
  ],
  ["a key with a typo", { "b.stream.json": { about: "b", chunks: [], eror: {} } }, "the key eror"],
  ["a case without about", { "b.stream.json": { chunks: [] } }, "needs an about"],
  [
    "a table with an unknown key",
    { "b.streams.json": { about: "b", chunks: [], cases: [] } },
    "chunks",
  ],
  [
    "a table with one name for two cases",
    { "b.streams.json": { about: "b", cases: [{ name: "c" }, { name: "c" }] } },
    "the same name",
  ],
];

for (const [about, files, words] of UNREAD) {
  Deno.test(`the loader rejects ${about}`, () => {
    assertThrows(() => withFiles(files, loadStreamCases), Error, words);
  });
}
