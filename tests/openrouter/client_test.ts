/** Errors of the upstream client. @module */

import { assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import { createTestServices } from "../helpers/proxy.ts";

/** Base URL → the name of upstream in messages. */
const HOSTS: Record<string, string> = {
  "https://openrouter.ai/api/v1": "openrouter.ai",
  "http://localhost:11434/v1": "localhost:11434",
  "http://[::1]:8080": "[::1]:8080",
  "https://me:secret@gateway.example/v1": "gateway.example",
  "not a URL": "upstream",
};

for (const [baseUrl, host] of Object.entries(HOSTS)) {
  Deno.test(`createClient calls ${baseUrl} ${host} in its messages`, async () => {
    const config = { ...createTestServices().config, baseUrl };
    const unreachable = createClient(config, () => Promise.reject(new TypeError("fetch failed")));
    await assertRejects(() => unreachable.fetchModels(), ApiError, `Cannot reach ${host}`);
    const redirecting = createClient(
      config,
      () => Promise.resolve(new Response("", { status: 307 })),
    );
    await assertRejects(
      () => redirecting.fetchModels(),
      ApiError,
      `${host} responded with a redirect (307)`,
    );
  });
}
