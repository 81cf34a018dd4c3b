// Upstream that cannot be reached, or that ends its response before or within the headers.

import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import { createProxy, createTestServices, MODES, send } from "../helpers/proxy.ts";
import { readError } from "../helpers/responses.ts";
import { NOWHERE } from "../helpers/unused_port.ts";
import { startBytesUpstream } from "../helpers/upstream.ts";

for (const { mode, request } of MODES) {
  Deno.test(`${mode} gets 502 with the upstream host if upstream cannot be reached`, async () => {
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = closed.addr;
    closed.close();
    const env = { OPENROUTER_BASE_URL: `http://127.0.0.1:${port}/api/v1` };
    const error = await readError(await send(createProxy({ env }).handler, request));
    const message = `Cannot reach 127.0.0.1:${port}`;
    assertEquals(error, { status: 502, type: "api_error", message });
  });

  for (const bytes of ["", "HTTP/1.1 200 OK\r\ncontent-le", "SSH-2.0-OpenSSH_9\r\n"]) {
    Deno.test(`${mode} gets 502 if upstream sends ${JSON.stringify(bytes)}`, async () => {
      await using upstream = startBytesUpstream(bytes);
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    });
  }

  Deno.test(`${mode} gets 502 if the upstream body is cut off at once`, async () => {
    for (const type of ["application/json", "text/event-stream"]) {
      const bytes = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: 100\r\n\r\n{`;
      await using upstream = startBytesUpstream(bytes);
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    }
  });
}

Deno.test("an error about too many open files is a 502 that says so", async () => {
  const cause = new Error(
    "client error (Connect): tcp open error: Too many open files (os error 24)",
  );
  const client = createClient(
    createTestServices().config,
    () => Promise.reject(new TypeError("fetch failed", { cause })),
  );
  await assertRejects(
    () => client.fetchModels(),
    ApiError,
    `Cannot reach ${new URL(NOWHERE).host}: the proxy has too many files open (ulimit -n)`,
  );
});
