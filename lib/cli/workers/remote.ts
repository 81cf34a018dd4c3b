/**
 * What a worker leaves to the coordinator: log, history, figures of all workers, and the credit of the key.
 * @module
 */

import { QueryError } from "../../history/query.ts";
import type { History, HistoryReport, QueryText } from "../../history/types.ts";
import type { Log } from "../../log.ts";
import type { Figures } from "../../metrics/figures.ts";
import { type Channel, RemoteError } from "./channel.ts";
import type { CoordinatorSide, WorkerSide } from "./messages.ts";

/** A worker's end of the channel to the coordinator. */
export type CoordinatorChannel = Channel<WorkerSide, CoordinatorSide>;

/** The log of a worker; the coordinator formats and writes the lines. Errors are sent at once. */
export function createRemoteLog(channel: Pick<CoordinatorChannel, "send" | "flush">): Log {
  return {
    request: (record) => channel.send({ type: "record", record }),
    write(level, message) {
      channel.send({ type: "line", level, message });
      if (level === "error") channel.flush();
    },
  };
}

/** The figures of all workers. */
export function createRemoteFigures(channel: CoordinatorChannel): Figures {
  return {
    read: (after, limit) => channel.call("read", after, limit),
    listCompleted: (range) => channel.call("listCompleted", range),
    findSession: (sessionId) => channel.call("findSession", sessionId),
    readBodies: (requestId) => channel.call("readBodies", requestId),
    setCapture: (isOn) => channel.call("setCapture", isOn),
  };
}

/** The history; the coordinator writes the file. */
export function createRemoteHistory(channel: CoordinatorChannel, days: number): History {
  return {
    days,
    add: (request, payer) => channel.send({ type: "history", request, payer }),
    read: (query) => readHistory(channel, query),
    // The coordinator closes the file after all workers have ended.
    close: () => {},
  };
}

async function readHistory(channel: CoordinatorChannel, query: QueryText): Promise<HistoryReport> {
  try {
    return await channel.call("readHistory", query);
  } catch (cause) {
    const isQuery = cause instanceof RemoteError && cause.originalName === "QueryError";
    throw isQuery ? new QueryError(cause.message, { cause }) : cause;
  }
}
