/**
 * The interface through which the figures are read: of this process, or of all workers together.
 * @module
 */

import type { RequestRange } from "./completed_requests.ts";
import type { Bodies, CompletedRequest, Session, Stats } from "./types.ts";

/** At once, or after other workers have been asked. */
export type Eventually<T> = T | Promise<T>;

/** Reads the figures, and switches the capture of bodies. */
export interface Figures {
  /** Reads all figures, with the newest completed requests whose number is higher than `after`. */
  read(after: number, limit?: number): Eventually<Stats>;
  /** Lists completed requests, oldest first, with a preview of those whose bodies are captured. */
  listCompleted(range: RequestRange): Eventually<CompletedRequest[]>;
  /** Finds a session, by the id that its client sends. */
  findSession(sessionId: string): Eventually<Session | undefined>;
  /** Reads the captured bodies of a request, without secrets. */
  readBodies(requestId: string): Eventually<Bodies | undefined>;
  /** Starts or stops to capture bodies. Stopping drops those captured so far. */
  setCapture(isOn: boolean): Eventually<void>;
}
