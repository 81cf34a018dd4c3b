/** The dashboard as it is served: up to date, small, restricted by its policy, never turning text into markup. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { PAGE, POLICY, SOURCES } from "../../lib/dashboard/generated.ts";
import { hash, hashSources, SHARED } from "../../tools/dashboard.ts";
import { call, createProxy, get } from "../helpers/proxy.ts";

const FOLDER = new URL("../../lib/dashboard/", import.meta.url);
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const KEYS = { PROXY_API_KEYS: "team-key-1" };

function getPage(headers: Record<string, string> = {}): Request {
  return get("/", { headers: { accept: BROWSER, ...headers } });
}

/** The content of the page's only element of this kind. */
function readOnly(tag: string): string {
  const found = [...PAGE.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))];
  assertEquals(found.length, 1, `the page has ${found.length} <${tag}>`);
  return found[0]?.[1] ?? "";
}

Deno.test("lib/dashboard/generated.ts is up to date; if not, run deno task dashboard", async () => {
  assertEquals(SOURCES, await hashSources());
});

Deno.test("the sources of the dashboard include every module that it imports", () => {
  const texts = [...Deno.readDirSync(FOLDER)].filter(({ name }) => name.endsWith(".ts"))
    .map(({ name }) => Deno.readTextFileSync(new URL(name, FOLDER)));
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/^import (?!type )[^;]*? from "(\.\.\/[^"]+)";/gm)].map(([, path]) => path)
  );
  assertEquals([...new Set(imported)].sort(), [...SHARED]);
});

Deno.test("the policy allows only the dashboard's script and style, by their hashes", async () => {
  assertEquals(POLICY.split("; "), [
    "default-src 'none'",
    `script-src 'sha256-${await hash(readOnly("script"))}'`,
    `style-src 'sha256-${await hash(readOnly("style"))}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
});

Deno.test("the dashboard is smaller than 90 KB and loads nothing from other servers", () => {
  assert(new TextEncoder().encode(PAGE).length < 90_000);
  const addresses = [...PAGE.matchAll(/https?:\/\/[^"'\s)]+/g)].map(([address]) => address);
  assertEquals([...new Set(addresses)], ["http://www.w3.org/2000/svg"]);
  assertEquals(/@import|url\(/.test(readOnly("style")), false);
});

Deno.test("the screenshots in docs/ are smaller than 200 KB", () => {
  const docs = new URL("../../docs/", import.meta.url);
  for (const name of ["claude-code", "dashboard-light", "dashboard-dark", "dashboard-narrow"]) {
    assert(Deno.statSync(new URL(`${name}.png`, docs)).size < 200_000, name);
  }
});

Deno.test("no source of the dashboard turns text into markup or code", () => {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && name !== "generated.ts");
  assert(names.length >= 5);
  const sink =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|srcdoc|Function\(|\bon\w+=/;
  for (const name of names) {
    assertEquals(sink.exec(Deno.readTextFileSync(new URL(name, FOLDER)))?.[0], undefined, name);
  }
});

Deno.test("GET / serves the dashboard to a browser and JSON to other clients", async () => {
  const { handler } = createProxy();
  const page = await call(handler, getPage());
  assertEquals(await page.text(), PAGE);
  assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(page.headers.get("content-security-policy"), POLICY);
  assertEquals(page.headers.get("x-content-type-options"), "nosniff");
  assertEquals(page.headers.get("vary"), "accept");
  for (const accept of ["", "*/*", "application/json", "application/json, text/html"]) {
    const response = await call(handler, get("/", { headers: { accept } }));
    assertMatch(response.headers.get("content-type") ?? "", /^application\/json/);
    assertEquals((await response.json()).name, "claudeproxy");
  }
});

for (const path of ["/", "/stats"]) {
  Deno.test(`GET ${path} requires a password from a browser if PROXY_API_KEYS is set`, async () => {
    const { handler } = createProxy({ env: KEYS });
    const get = (headers: Record<string, string>) =>
      call(handler, new Request(`http://localhost:8000${path}`, { headers }));
    for (const headers of [{}, { authorization: `Basic ${btoa("me:wrong")}` }]) {
      const rejected = await get(headers);
      await rejected.text();
      assertEquals([rejected.status, rejected.headers.get("www-authenticate")], [
        401,
        'Basic realm="claudeproxy"',
      ]);
    }
    const allowed = await get({ authorization: `Basic ${btoa("me:team-key-1")}` });
    await allowed.text();
    assertEquals(allowed.status, 200);
  });
}

Deno.test("a key in the URL is not accepted", async () => {
  const { handler } = createProxy({ env: KEYS });
  for (const query of ["key=team-key-1", "api_key=team-key-1", "x-api-key=team-key-1"]) {
    for (const path of ["/", "/stats"]) {
      const response = await call(handler, get(`${path}?${query}`));
      await response.text();
      assertEquals(response.status, 401);
    }
  }
});

Deno.test("no other route requests or accepts a password", async () => {
  const { handler } = createProxy({ env: KEYS });
  const authorization = `Basic ${btoa("me:team-key-1")}`;
  for (const path of ["/v1/models", "/stats/", "/nowhere"]) {
    const response = await call(handler, get(path, { headers: { authorization } }));
    await response.text();
    assertEquals([response.status, response.headers.get("www-authenticate")], [401, null], path);
  }
});

Deno.test("another site can neither read the statistics nor frame the dashboard", async () => {
  const { handler } = createProxy();
  for (
    const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]
  ) {
    for (const path of ["/", "/stats"]) {
      const response = await call(handler, get(path, { headers }));
      await response.text();
      assertEquals([response.status, response.headers.get("access-control-allow-origin")], [
        403,
        null,
      ]);
    }
  }
  assertMatch(POLICY, /frame-ancestors 'none'/);
});
