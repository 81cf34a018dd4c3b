/**
 * Figures by the client's session. In memory only; of more than 100 sessions the least recently active one is dropped.
 * @module
 */

import { stripControlChars } from "../colors.ts";
import { addRequest, createTotals } from "./aggregates.ts";
import type { FinishedRequest, LastAnswer, Session } from "./types.ts";

const MAX_SESSIONS = 100;
/** Claude Code's ids have 36 characters. */
const MAX_ID_CHARS = 128;
/** Below this time a response arrived as a whole: its duration says nothing about the model. */
const MIN_WRITING_MS = 50;

/** What is not in a completed request itself. */
export interface SessionFacts {
  /** When it ended, in milliseconds since the epoch. */
  now: number;
  savedUsd: number | undefined;
  /** Of the model that responded; undefined if unknown. */
  contextLength: number | undefined;
}

/** Cleans and shortens a session id, which clients choose. */
export function toSessionKey(id: string): string {
  return stripControlChars(id).slice(0, MAX_ID_CHARS);
}

/** The last sessions. */
export class Sessions {
  /** The least recently active first. */
  readonly #sessions = new Map<string, Session>();

  /** Adds a completed request to its session. Ignores a request without one. */
  count(request: FinishedRequest, facts: SessionFacts): void {
    const { sessionId, kind, outcome, error } = request;
    if (sessionId === undefined) return;
    const session = this.#sessions.get(sessionId) ?? createSession(sessionId, request.time);
    session.lastActiveAt = facts.now;
    addRequest(session.totals, request, facts.savedUsd);
    if (kind !== undefined) session.kinds[kind]++;
    if (error !== undefined && outcome !== "client_gone") {
      session.lastError = { type: outcome, message: error, time: facts.now };
    } else if (kind === "main" && outcome === "complete") {
      session.lastAnswer = toLastAnswer(request, facts);
    }
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
  }

  /** Finds a session by the id that its client sends. */
  find(id: string): Session | undefined {
    return this.#sessions.get(toSessionKey(id));
  }

  /** All sessions, the most recently active first. */
  list(): Session[] {
    return [...this.#sessions.values()].reverse();
  }
}

function createSession(id: string, startedAt: number): Session {
  return {
    id,
    startedAt,
    lastActiveAt: startedAt,
    totals: createTotals(),
    kinds: { main: 0, agent: 0, guard: 0, side: 0 },
    lastAnswer: null,
    lastError: null,
  };
}

function toLastAnswer(request: FinishedRequest, { contextLength }: SessionFacts): LastAnswer {
  const { model = "", upstreamModel = model, provider } = request;
  const { inputTokens = 0, cachedTokens = 0, writtenTokens = 0 } = request;
  return {
    model,
    upstreamModel,
    provider: provider ?? null,
    // Upstream without usage: no prompt is empty.
    contextTokens: inputTokens + cachedTokens + writtenTokens || null,
    contextLength: contextLength ?? null,
    tokensPerSecond: measureSpeed(request),
  };
}

function measureSpeed({ outputTokens, firstEventMs, totalMs }: FinishedRequest): number | null {
  if (outputTokens === undefined || firstEventMs === undefined) return null;
  const writingMs = totalMs - firstEventMs;
  return writingMs < MIN_WRITING_MS ? null : outputTokens * 1000 / writingMs;
}
