/** docs/api.md lists the endpoints and the types of errors. @module */

import { assert, assertEquals } from "@std/assert";
import { read, readRows, readSection } from "../helpers/documents.ts";
import { call, createProxy, get } from "../helpers/proxy.ts";

const api = read("docs/api.md");

Deno.test("docs/api.md has a row for every endpoint that GET / reports, and README names each", async () => {
  const { handler } = createProxy();
  const { endpoints } = await (await call(handler, get("/"))).json();
  const names = Object.keys(endpoints);
  assert(names.length >= 7, `${names.length} endpoints`);
  const rows = readRows(readSection(api, "## Endpoints")).map(([name = ""]) => name);
  const readme = readSection(read("README.md"), "## Endpoints");
  for (const name of names) {
    assert(rows.includes(`\`${name}\``), `docs/api.md: ${name}`);
    assert(readme.includes(`\`${name}\``), `README: ${name}`);
  }
});

Deno.test("the table of errors in docs/api.md has every type of error, and no other", () => {
  const source = /export type ErrorType =([^;]*);/.exec(read("lib/errors.ts"))?.[1] ?? "";
  const types = new Set([...source.matchAll(/"(\w+)"/g)].map(([, type]) => type));
  assert(types.size >= 9, "the scan is broken");
  const rows = readRows(readSection(api, "## Errors")).map(([, type = ""]) =>
    type.replaceAll("`", "")
  );
  assertEquals([...new Set(rows)].toSorted(), [...types].toSorted());
});
