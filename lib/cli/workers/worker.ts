/**
 * A worker: a thread that serves requests on the port that all workers share (WORKERS). It has its own services, but
 * counts its requests and costs in the shared table, and reports everything else to the coordinator.
 * @module
 */

import type { Services } from "../../request_context.ts";
import { applyFact } from "../../learned.ts";
import { createCliServices, type RunningServer, startServer } from "../serve.ts";
import { StartError } from "../terminal.ts";
import { Channel } from "./channel.ts";
import { createFactFilter } from "./fact_filter.ts";
import type { CoordinatorSide, StartMessage, WorkerSide } from "./messages.ts";
import {
  type CoordinatorChannel,
  createRemoteFigures,
  createRemoteHistory,
  createRemoteLog,
} from "./remote.ts";
import { SharedTable } from "./shared_table.ts";

/** Reservations grow with the output; this often, other workers are told by how much. */
const PUBLISH_MS = 1000;

/** Starts to serve. The coordinator is told the port, or why it cannot be used. */
export function runWorker(start: StartMessage): void {
  let running: RunningServer | undefined;
  const channel: CoordinatorChannel = new Channel<WorkerSide, CoordinatorSide>(start.channel, {
    onEvent: ({ fact }) => applyFact(services.learned, fact),
    calls: {
      readSnapshot: () => services.metrics.readSnapshot(),
      readBodies: (requestId) => services.metrics.readBodies(requestId),
      setCapture: (isOn) => services.metrics.setCapture(isOn),
      stop: async () => await running?.stop(),
    },
  });
  const services = createWorkerServices(start, channel);
  for (const fact of start.facts) applyFact(services.learned, fact);
  try {
    running = startServer(services, { sharesPort: true });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    channel.send({ type: "start_failed", message: error.message });
    channel.flush();
    return;
  }
  const { budget } = services.metrics;
  if (budget.isLimited) setInterval(() => budget.publish(), PUBLISH_MS);
  channel.send({ type: "listening", port: Number(new URL(running.url).port || 80) });
  channel.flush();
}

function createWorkerServices(
  { config, about, table, row, historyDays }: StartMessage,
  channel: CoordinatorChannel,
): Services {
  const services = createCliServices(config, about, {
    log: createRemoteLog(channel),
    shared: {
      row: new SharedTable(table, row),
      collect: (request, facts) => channel.send({ type: "finished", request, facts }),
      onLearn: createFactFilter(
        (fact) => channel.send({ type: "learned", fact }),
        () => performance.now(),
      ),
    },
  });
  return {
    ...services,
    figures: createRemoteFigures(channel),
    keyCredit: { read: () => channel.call("readCredit") },
    history: historyDays === null ? null : createRemoteHistory(channel, historyDays),
  };
}
