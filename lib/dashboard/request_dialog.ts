/**
 * Shows one request above the list, under its permalink `#req_…`. Esc closes it; `j` and `k` show the next older and
 * newer one. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import type { CompletedRequest, Setup } from "../metrics/types.ts";
import { describeError, fetchBodies } from "./api.ts";
import { createCaptureSwitch } from "./capture_switch.ts";
import { createCopyButton } from "./copy.ts";
import { find, h, setText } from "./dom.ts";
import { toName } from "./format.ts";
import { createBodies } from "./request_bodies.ts";
import { createDropped, createError, createFacts, createTimeline } from "./request_facts.ts";

/** What the dialog needs from the page. */
export interface DialogContext {
  setup: () => Setup | null;
  capturesBodies: () => boolean;
  /** The request that is listed above (−1) or below (1) another; undefined at the ends. */
  neighbor: (requestId: string, step: -1 | 1) => CompletedRequest | undefined;
  onClose: (requestId: string) => void;
}

/** The dialog. */
export class RequestDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #context: DialogContext;
  #shown: CompletedRequest | null = null;

  constructor(context: DialogContext) {
    const dialog = find("dialog");
    if (!(dialog instanceof HTMLDialogElement)) throw new Error("#dialog is not a dialog");
    this.#dialog = dialog;
    this.#context = context;
    dialog.addEventListener("close", () => this.#onClose());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "j") this.#step(1);
      if (event.key === "k") this.#step(-1);
    });
    find("older").addEventListener("click", () => this.#step(1));
    find("newer").addEventListener("click", () => this.#step(-1));
    find("close").addEventListener("click", () => dialog.close());
  }

  /** The id of the request that is shown; null for none. */
  get requestId(): string | null {
    return this.#shown?.requestId ?? null;
  }

  close(): void {
    this.#dialog.close();
  }

  /** Shows a request. */
  show(request: CompletedRequest): void {
    this.#shown = request;
    const { model, upstreamModel, requestId } = request;
    setText("dialog-title", toName(model ?? "unknown model"));
    setText("dialog-note", upstreamModel === undefined ? "" : `→ ${toName(upstreamModel)}`);
    const bodies = h("div", { class: "bodies" });
    const content = find("dialog-content");
    content.replaceChildren(...[
      createError(request),
      createFacts(request),
      h("div", {
        class: "copies",
        children: [
          createCopyButton("request ID", () => requestId),
          createCopyButton("link", () => location.href),
        ],
      }),
      createDropped(request),
      createTimeline(request),
      bodies,
    ].filter((part) => part !== null));
    this.#setNeighbors(requestId);
    if (!this.#dialog.open) this.#dialog.showModal();
    content.focus();
    content.scrollTop = 0;
    history.replaceState(null, "", `#${requestId}`);
    this.#loadBodies(request, bodies);
  }

  async #loadBodies(request: CompletedRequest, place: HTMLElement): Promise<void> {
    const { capturesBodies, setup } = this.#context;
    if (!capturesBodies()) {
      place.replaceChildren(
        h("h3", { text: "Bodies are not captured" }),
        createCaptureSwitch(false),
      );
      return;
    }
    try {
      const bodies = await fetchBodies(request.requestId);
      place.replaceChildren(createBodies(bodies, { request, setup: setup() }));
    } catch (error) {
      place.replaceChildren(h("p", { class: "quiet", text: describeError(error) }));
    }
  }

  #setNeighbors(requestId: string): void {
    for (const [id, step] of [["older", 1], ["newer", -1]] as const) {
      const isLast = this.#context.neighbor(requestId, step) === undefined;
      find(id).toggleAttribute("disabled", isLast);
    }
  }

  #step(step: -1 | 1): void {
    const next = this.#shown && this.#context.neighbor(this.#shown.requestId, step);
    if (next) this.show(next);
  }

  #onClose(): void {
    // The event comes later: another request may have been opened since.
    if (this.#dialog.open) return;
    const requestId = this.requestId;
    this.#shown = null;
    find("dialog-content").replaceChildren();
    history.replaceState(null, "", location.pathname + location.search);
    if (requestId !== null) this.#context.onClose(requestId);
  }
}
