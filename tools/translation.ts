/** `deno task translation`: writes the tables with verdicts of docs/translation.md from the rows in tools/translation/. */

import { writeTables } from "./translation/document.ts";
import { REQUEST_TABLES } from "./translation/request_rows.ts";
import { RESPONSE_TABLES } from "./translation/response_rows.ts";

const DOCUMENT = new URL("../docs/translation.md", import.meta.url);

const markdown = await Deno.readTextFile(DOCUMENT);
await Deno.writeTextFile(
  DOCUMENT,
  writeTables(markdown, { ...REQUEST_TABLES, ...RESPONSE_TABLES }),
);
