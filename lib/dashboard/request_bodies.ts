/**
 * The captured bodies of one request, in two tabs: what was asked, and what was answered. Each shows the conversation
 * beside the fields of both sides. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { isJsonObject, parseJson } from "../json.ts";
import type { Bodies, CompletedRequest, Setup } from "../metrics/types.ts";
import { usesMessagesApi } from "../openrouter/model_mapping.ts";
import { assembleResponse } from "./assemble.ts";
import { createConversation, createTurn } from "./blocks.ts";
import { type AlignedField, alignSides, flattenCompletion } from "./compare.ts";
import { readConversation, readTurn } from "./conversation.ts";
import { createCopyButton } from "./copy.ts";
import { toCurl } from "./curl.ts";
import { h } from "./dom.ts";
import { createText, createTree } from "./json_tree.ts";
import { toName } from "./format.ts";
import { createTabs } from "./tabs.ts";
import { translationRows } from "./translation_rows.ts";

const MAX_RAW_CHARS = 20_000;

/** What the bodies belong to. */
export interface BodiesContext {
  request: CompletedRequest;
  /** Null until it is loaded. */
  setup: Setup | null;
}

/** The two tabs. */
export function createBodies(bodies: Bodies, context: BodiesContext): HTMLElement {
  return createTabs("Bodies", [
    { title: "Request", create: () => createRequestTab(bodies, context) },
    { title: "Response", create: () => createResponseTab(bodies) },
  ]);
}

function createRequestTab(bodies: Bodies, { request, setup }: BodiesContext): HTMLElement {
  const client = parseJson(bodies.request);
  const upstream = parseJson(bodies.sent);
  const conversation = readConversation(client);
  const copies = [
    createCopyButton("the client's JSON", () => prettify(bodies.request)),
    createCopyButton("upstream's JSON", () => prettify(bodies.sent)),
    createCopyButton("the client's curl", () => toClientCurl(bodies, request)),
    setup === null
      ? null
      : createCopyButton("upstream's curl", () => toUpstreamCurl(bodies, setup)),
  ];
  const fields = isJsonObject(client) && isJsonObject(upstream)
    ? alignSides(
      { direction: "request", client, upstream, dropped: request.dropped ?? [] },
      translationRows(),
    )
    : null;
  return createPanel({
    copies,
    left: conversation === null ? createRaw(bodies.request) : createConversation(conversation),
    right: fields === null ? createRaw(bodies.sent) : createFields(fields),
  });
}

function createResponseTab(bodies: Bodies): HTMLElement {
  const client = assembleResponse(bodies.answer);
  const upstream = assembleResponse(bodies.received);
  const raw = h("div", { class: "columns", attributes: { hidden: "" } });
  const view = h("div", { class: "columns" });
  const fields = client === null || upstream === null ? null : alignSides({
    direction: "response",
    client,
    upstream: flattenCompletion(upstream),
    dropped: [],
  }, []);
  view.append(
    createColumn("Answer", client === null ? createRaw(bodies.answer) : createAnswer(client)),
    createColumn("Both sides", fields === null ? createRaw(bodies.received) : createFields(fields)),
  );
  const events = h("button", {
    class: "small",
    text: "Raw events",
    attributes: { type: "button", "aria-pressed": "false" },
  });
  events.addEventListener("click", () => {
    const isRaw = raw.hidden;
    if (raw.firstChild === null) {
      raw.append(
        createColumn("To the client", createRaw(bodies.answer)),
        createColumn("From upstream", createRaw(bodies.received)),
      );
    }
    raw.hidden = !isRaw;
    view.hidden = isRaw;
    events.setAttribute("aria-pressed", `${isRaw}`);
  });
  const copies = [
    createCopyButton("the client's JSON", () => JSON.stringify(client, null, 2)),
    createCopyButton("upstream's JSON", () => JSON.stringify(upstream, null, 2)),
  ];
  return h("div", {
    children: [h("div", { class: "copies", children: [events, ...copies] }), view, raw],
  });
}

/** The message; an error in its place. */
function createAnswer(message: Record<string, unknown>): HTMLElement {
  if (!isJsonObject(message["error"])) return createTurn(readTurn(message));
  const hasContent = Array.isArray(message["content"]) && message["content"].length > 0;
  return h("div", {
    children: [
      hasContent ? createTurn(readTurn(message)) : null,
      createTree("error", message["error"], true),
    ],
  });
}

function createPanel(
  { copies, left, right }: {
    copies: (HTMLElement | null)[];
    left: HTMLElement;
    right: HTMLElement;
  },
): HTMLElement {
  return h("div", {
    children: [
      h("div", { class: "copies", children: copies }),
      h("div", {
        class: "columns",
        children: [createColumn("Conversation", left), createColumn("Both sides", right)],
      }),
    ],
  });
}

function createColumn(title: string, content: HTMLElement): HTMLElement {
  return h("div", { class: "column", children: [h("h3", { text: title }), content] });
}

function createFields(fields: readonly AlignedField[]): HTMLElement {
  const head = h("div", {
    class: "field head",
    children: ["Client", "Upstream", ""].map((text) => h("span", { text })),
  });
  return h("div", { class: "fields", children: [head, ...fields.map(createField)] });
}

function createField({ mark, client, upstream, note }: AlignedField): HTMLElement {
  return h("div", {
    class: `field ${mark}`,
    children: [
      h("div", { children: client === null ? [] : [createTree(client.name, client.value)] }),
      h("div", { children: upstream.map(({ name, value }) => createTree(name, value)) }),
      h("span", { class: `mark ${mark}`, text: mark }),
      note === "" ? null : h("p", { class: "quiet", text: toName(note) }),
    ],
  });
}

/** A body that is shown as text, with JSON indented. */
function createRaw(text: string): HTMLElement {
  return createText(prettify(text) || "empty", { limit: MAX_RAW_CHARS, style: "raw" });
}

function prettify(text: string): string {
  const value = parseJson(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
}

function toClientCurl({ request: body }: Bodies, { path }: CompletedRequest): string {
  return toCurl({
    url: `${location.origin}${path}`,
    headers: ["content-type: application/json", "x-api-key: $KEY"],
    body,
  });
}

function toUpstreamCurl({ sent: body }: Bodies, { baseUrl, dialect }: Setup): string {
  const headers = ["content-type: application/json", "authorization: Bearer $KEY"];
  const models = listModels(body);
  // A body that was too long to be kept whole names no model.
  return dialect === "anthropic" || (models.length > 0 && usesMessagesApi(models, dialect))
    ? toCurl({
      url: `${baseUrl}/messages`,
      headers: [...headers, "anthropic-version: 2023-06-01"],
      body,
    })
    : toCurl({ url: `${baseUrl}/chat/completions`, headers, body });
}

/** The models of a request to upstream: its first one and the fallbacks. */
function listModels(body: string): string[] {
  const request = parseJson(body);
  if (!isJsonObject(request)) return [];
  const { model, models } = request;
  return [model, ...(Array.isArray(models) ? models : [])].filter((id) => typeof id === "string");
}
