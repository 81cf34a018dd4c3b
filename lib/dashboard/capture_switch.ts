/**
 * Switches the capture of bodies on and off, and says what that means. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { describeError, setCapture } from "./api.ts";
import { h } from "./dom.ts";

const MEANING =
  "While this is on, the proxy keeps the bodies of the last 50 requests in memory, at most 24 MiB, " +
  "with keys removed. Everyone who can open this page can read these conversations. Switching it " +
  "off deletes them. Nothing is written to disk.";

/** @param isOn whether bodies are captured now */
export function createCaptureSwitch(isOn: boolean): HTMLElement {
  const status = h("p", { class: "quiet", attributes: { role: "status" } });
  const button = h("button", {
    class: isOn ? "switch on" : "switch",
    text: isOn ? "Stop capturing and delete" : "Capture bodies from now on",
    attributes: { type: "button" },
  });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await setCapture(!isOn);
      status.textContent = isOn ? "Deleted" : "On: the next request is captured";
    } catch (error) {
      status.textContent = describeError(error);
      button.disabled = false;
    }
  });
  return h("div", {
    class: "capture",
    children: [button, h("p", { class: "quiet", text: MEANING }), status],
  });
}
