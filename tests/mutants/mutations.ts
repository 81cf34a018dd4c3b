/**
 * The table of all mutations. Each says what it breaks; each must be noticed by the unit tests.
 * A mutation that no behaviour can tell from the original does not belong here.
 * @module
 */

import type { Area } from "./mutation.ts";
import { ANSWER_AREAS } from "./mutations_answer.ts";
import { BLOCK_AREAS } from "./mutations_blocks.ts";
import { CONTENT_AREAS } from "./mutations_content.ts";
import { DOOR_AREAS } from "./mutations_door.ts";
import { EXIT_AREAS } from "./mutations_exit.ts";
import { FIGURES_AREAS } from "./mutations_figures.ts";
import { GENERIC_AREAS } from "./mutations_generic.ts";
import { LIMIT_AREAS } from "./mutations_limits.ts";
import { NATIVE_AREAS } from "./mutations_native.ts";
import { REASONING_AREAS } from "./mutations_reasoning.ts";
import { REQUEST_AREAS } from "./mutations_request.ts";
import { ROUTE_AREAS } from "./mutations_routes.ts";
import { SCHEMA_AREAS } from "./mutations_schemas.ts";
import { SEARCH_AREAS } from "./mutations_search.ts";
import { STREAM_AREAS } from "./mutations_stream.ts";
import { TOOL_AREAS } from "./mutations_tools.ts";
import { UPSTREAM_AREAS } from "./mutations_upstream.ts";
import { VALIDATION_AREAS } from "./mutations_validation.ts";
import { WIRE_AREAS } from "./mutations_wire.ts";

export const AREAS: readonly Area[] = [
  ...LIMIT_AREAS,
  ...STREAM_AREAS,
  ...BLOCK_AREAS,
  ...ANSWER_AREAS,
  ...REASONING_AREAS,
  ...SEARCH_AREAS,
  ...REQUEST_AREAS,
  ...CONTENT_AREAS,
  ...VALIDATION_AREAS,
  ...TOOL_AREAS,
  ...SCHEMA_AREAS,
  ...WIRE_AREAS,
  ...UPSTREAM_AREAS,
  ...ROUTE_AREAS,
  ...GENERIC_AREAS,
  ...NATIVE_AREAS,
  ...DOOR_AREAS,
  ...EXIT_AREAS,
  ...FIGURES_AREAS,
];
