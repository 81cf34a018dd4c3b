/**
 * The rows of the list: each session, followed by its requests if it is open. Pure.
 * @module
 */

import type { ActiveRequest, CompletedRequest, Session } from "../metrics/types.ts";
import type { Matcher } from "./search.ts";

/** A session as the list shows it. */
export interface SessionGroup {
  /** "" for requests without a session. */
  id: string;
  /** The proxy's figures; undefined for requests without a session, and for a session that is no longer kept. */
  session: Session | undefined;
  active: readonly ActiveRequest[];
  /** Newest first, those that match. */
  requests: readonly CompletedRequest[];
}

/** One row, with a key that stays the same while the row does. */
export type Row =
  | { type: "session"; key: string; group: SessionGroup; isOpen: boolean }
  | { type: "active"; key: string; request: ActiveRequest }
  | { type: "request"; key: string; request: CompletedRequest };

/** What the list shows. */
export interface ListState {
  /** Oldest first. */
  requests: readonly CompletedRequest[];
  active: readonly ActiveRequest[];
  sessions: readonly Session[];
  /** Null shows all requests. Otherwise only matching ones appear, in open sessions. */
  matcher: Matcher | null;
  /** Sessions that the user opened or closed; the newest one is open at first. */
  isOpen: ReadonlyMap<string, boolean>;
}

/** Groups requests by session, the most recently active session first. */
export function groupRequests(state: ListState): SessionGroup[] {
  const { requests, active, sessions, matcher } = state;
  const known = new Map(sessions.map((session) => [session.id, session]));
  const groups = new Map<string, { active: ActiveRequest[]; requests: CompletedRequest[] }>();
  const findGroup = (id: string) => {
    let group = groups.get(id);
    if (group === undefined) groups.set(id, group = { active: [], requests: [] });
    return group;
  };
  if (matcher === null) {
    for (const request of active.toReversed()) {
      findGroup(request.sessionId ?? "").active.push(request);
    }
  }
  for (let index = requests.length - 1; index >= 0; index--) {
    const request = requests[index];
    if (request === undefined || (matcher !== null && !matcher(request))) continue;
    findGroup(request.sessionId ?? "").requests.push(request);
  }
  // Sessions whose requests have been dropped still have figures.
  if (matcher === null) { for (const { id } of sessions) findGroup(id); }
  return [...groups].map(([id, group]) => ({ id, session: known.get(id), ...group }))
    .toSorted((a, b) => findLastTime(b) - findLastTime(a));
}

function findLastTime({ active, requests: [newest], session }: SessionGroup): number {
  if (active.length > 0) return Infinity;
  const ended = newest === undefined ? 0 : newest.time + newest.totalMs;
  return Math.max(session?.lastActiveAt ?? 0, ended);
}

/** Lists the rows of the groups. */
export function listRows(groups: readonly SessionGroup[], state: ListState): Row[] {
  const rows: Row[] = [];
  groups.forEach((group, index) => {
    const isOpen = state.isOpen.get(group.id) ?? (index === 0 || state.matcher !== null);
    rows.push({ type: "session", key: `session ${group.id}`, group, isOpen });
    if (!isOpen) return;
    for (const request of group.active) {
      rows.push({ type: "active", key: request.requestId, request });
    }
    for (const request of group.requests) {
      rows.push({ type: "request", key: request.requestId, request });
    }
  });
  return rows;
}
