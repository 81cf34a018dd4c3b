/**
 * What coordinator and workers send each other (WORKERS). All of it is plain data, because threads copy messages.
 * @module
 */

import type { Config, LogLevel } from "../../config.ts";
import type { HistoryReport, Payer, QueryText } from "../../history/types.ts";
import type { Fact } from "../../learned.ts";
import type { RequestRecord } from "../../log.ts";
import type { RequestRange } from "../../metrics/completed_requests.ts";
import type { Snapshot } from "../../metrics/metrics.ts";
import type { SessionFacts } from "../../metrics/sessions.ts";
import type {
  Bodies,
  CompletedRequest,
  FinishedRequest,
  Session,
  Stats,
} from "../../metrics/types.ts";
import type { Credit } from "../../openrouter/key_credit.ts";
import type { About } from "../serve.ts";
import type { TableData } from "./shared_table.ts";

/** The first message to a worker. */
export interface StartMessage {
  /** The settings, read once by the coordinator; with the port that all workers share. */
  config: Config;
  about: About;
  /** The worker's row, from 1. */
  row: number;
  table: TableData;
  /** What other workers have learned so far. */
  facts: Fact[];
  /** Days after which the history deletes requests; null without a history. */
  historyDays: number | null;
  channel: MessagePort;
}

/** Tells the others what one worker has learned. */
export interface LearnedEvent {
  type: "learned";
  fact: Fact;
}

/** What a worker reports. */
export type WorkerEvent =
  | { type: "listening"; port: number }
  | { type: "start_failed"; message: string }
  | { type: "finished"; request: FinishedRequest; facts: SessionFacts }
  | { type: "history"; request: FinishedRequest; payer: Payer }
  | { type: "record"; record: RequestRecord }
  | { type: "line"; level: LogLevel; message: string }
  | LearnedEvent;

/** One side of a channel: the events that it sends, and the calls that it answers. */
export interface Side {
  events: unknown;
  // deno-lint-ignore no-explicit-any -- the arguments differ from call to call
  calls: Record<string, (...args: any[]) => unknown>;
}

/** A worker. */
export interface WorkerSide extends Side {
  events: WorkerEvent;
  calls: {
    readSnapshot(): Snapshot;
    readBodies(requestId: string): Bodies | undefined;
    setCapture(isOn: boolean): void;
    /** Drains the worker. */
    stop(): Promise<void>;
  };
}

/** The coordinator. */
export interface CoordinatorSide extends Side {
  events: LearnedEvent;
  calls: {
    read(after: number, limit: number | undefined): Promise<Stats>;
    listCompleted(range: RequestRange): Promise<CompletedRequest[]>;
    findSession(sessionId: string): Session | undefined;
    readBodies(requestId: string): Promise<Bodies | undefined>;
    setCapture(isOn: boolean): Promise<void>;
    readHistory(query: QueryText): Promise<HistoryReport>;
    readCredit(): Credit | null | Promise<Credit | null>;
  };
}
