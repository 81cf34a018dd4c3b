/**
 * The coordinator of several workers (WORKERS): the main thread, which serves no requests. It starts the workers and
 * starts them again, and has everything that must exist once: settings, log, history and the collected figures.
 * @module
 */

import type { Config } from "../../config.ts";
import { applyFact, listFacts } from "../../learned.ts";
import type { Services } from "../../request_context.ts";
import { FIRST_COLUMN } from "../../shared_row.ts";
import { settlesWithin } from "../../stream/deadline.ts";
import {
  type About,
  createCliServices,
  FINAL_ERRORS_MS,
  type PreparedServer,
  requireAddress,
  type RunningServer,
  toLocalUrl,
} from "../serve.ts";
import { flushLines, LAST_LINES_MS, StartError } from "../terminal.ts";
import { CombinedFigures } from "./combined_figures.ts";
import type { CoordinatorSide, StartMessage, WorkerEvent } from "./messages.ts";
import { createTable, SharedTable, type TableData } from "./shared_table.ts";
import { type WorkerChannel, WorkerThread } from "./worker_thread.ts";

/** A worker that does not answer in this time is left out. */
const ANSWER_MS = 1000;
/** After the time to drain, a worker has this long to say so. */
const STOP_MS = 1000;
/** If no worker serves and each has failed this often in a row, the program ends. */
const MAX_FAILURES = 5;
const COORDINATOR_ROW = 0;

/**
 * Creates the services of the coordinator; nothing listens before `start`.
 * @param entry the URL of the program's entry, which is the module of the workers too
 */
export function prepareCoordinator(
  config: Config,
  { about, entry }: { about: About; entry: string },
): PreparedServer {
  const data = createTable(config.workers, config.proxyApiKeys.length);
  const table = new SharedTable(data, COORDINATOR_ROW);
  const services = createCliServices(config, about, { shared: { row: table } });
  return { services, start: () => new Coordinator(services, { entry, data, table }).start() };
}

/** The table, and the module of the workers. */
interface CoordinatorOptions {
  entry: string;
  data: TableData;
  table: SharedTable;
}

class Coordinator {
  readonly #services: Services;
  readonly #options: CoordinatorOptions;
  readonly #threads: readonly WorkerThread[];
  readonly #finished = Promise.withResolvers<void>();
  /** The port that all workers share; 0 until the first one listens on any. */
  #port: number;
  #hasStarted = false;

  constructor(services: Services, options: CoordinatorOptions) {
    const { config: { port, workers }, metrics, now } = services;
    this.#services = services;
    this.#options = options;
    this.#port = port;
    const figures = new CombinedFigures(metrics, (ask) => this.#askAll(ask));
    const calls = createCalls(services, figures);
    this.#threads = Array.from({ length: workers }, (_, index) =>
      new WorkerThread({
        entry: options.entry,
        number: index + 1,
        calls,
        createStart: () => this.#createStart(),
        onEvent: (event, from) => this.#receiveSafely(event, from),
        onDeath: (from, reason) => this.#bury(from, reason),
        now,
      }));
  }

  /** @throws {StartError} if a worker cannot be started */
  async start(): Promise<RunningServer> {
    const { host: hostname } = this.#services.config;
    // Sharing is only for our own threads: without this, a second program would share the port too.
    requireAddress({ host: hostname, port: this.#port });
    const [first, ...rest] = this.#threads;
    this.#port = await first?.start() ?? 0;
    await Promise.all(rest.map((thread) => thread.start()));
    this.#hasStarted = true;
    return {
      url: toLocalUrl({ transport: "tcp", hostname, port: this.#port }),
      finished: this.#finished.promise,
      stop: () => this.#stop(),
    };
  }

  async #stop(): Promise<void> {
    const { config, history } = this.#services;
    const maxMs = config.drainMs + FINAL_ERRORS_MS + STOP_MS;
    await Promise.all(this.#threads.map((thread) => thread.stop(maxMs)));
    await flushLines(LAST_LINES_MS);
    history?.close();
    this.#finished.resolve();
  }

  #createStart(): Omit<StartMessage, "channel" | "row"> {
    const { config, about, learned, history, metrics } = this.#services;
    const { capturesBodies } = metrics;
    return {
      config: { ...config, capturesBodies, port: this.#port },
      about,
      table: this.#options.data,
      facts: listFacts(learned),
      historyDays: history?.days ?? null,
    };
  }

  /** A failure here must not end the process, as one while a request is recorded must not. */
  #receiveSafely(event: WorkerEvent, from: WorkerThread): void {
    try {
      this.#receive(event, from);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.stack : cause;
      this.#services.log.write("error", `${event.type} was not recorded: ${reason}`);
    }
  }

  #receive(event: WorkerEvent, from: WorkerThread): void {
    const { metrics, history, log, learned } = this.#services;
    switch (event.type) {
      case "finished":
        return metrics.collected.add(event.request, event.facts);
      case "history":
        return history?.add(event.request, event.payer);
      case "record":
        return log.request(event.record);
      case "line":
        return log.write(event.level, event.message);
      case "learned":
        applyFact(learned, event.fact);
        for (const thread of this.#threads) if (thread !== from) thread.channel?.send(event);
        return;
      case "listening":
      case "start_failed":
        // The thread itself handles them.
        return;
      default:
        event satisfies never;
    }
  }

  async #askAll<T>(ask: (channel: WorkerChannel) => Promise<T>): Promise<T[]> {
    const answers: T[] = [];
    const asked = this.#threads.map(async ({ channel }) => {
      if (channel === null) return;
      // A thread that dies meanwhile has no answer.
      await ask(channel).then((answer) => answers.push(answer)).catch(() => {});
    });
    await settlesWithin(Promise.all(asked), ANSWER_MS);
    return answers;
  }

  /** Keeps the costs of a thread that has died, and frees everything else that it used. */
  #bury({ number }: WorkerThread, reason: string): void {
    const { log, metrics, history } = this.#services;
    const { table } = this.#options;
    let inFlight = 0;
    table.bury(number, () => {
      [inFlight = 0] = table.read(number, FIRST_COLUMN.inFlight, 1);
      metrics.budget.inherit((column, count) => table.read(number, column, count));
    });
    if (!this.#hasStarted) return;
    const lost = inFlight === 1 ? "1 request was lost" : `${inFlight} requests were lost`;
    log.write("error", `Worker ${number} has died and is started again, ${lost}: ${reason}`);
    const areAllBroken = this.#threads.every(({ isServing, failures }) =>
      !isServing && failures >= MAX_FAILURES
    );
    if (!areAllBroken) return;
    history?.close();
    this.#finished.reject(new StartError(`No worker can be started: ${reason}`));
  }
}

/** What the coordinator answers to workers. */
function createCalls(
  { history, keyCredit }: Services,
  figures: CombinedFigures,
): CoordinatorSide["calls"] {
  return {
    read: (after, limit) => figures.read(after, limit),
    listCompleted: (range) => figures.listCompleted(range),
    findSession: (sessionId) => figures.findSession(sessionId),
    readBodies: (requestId) => figures.readBodies(requestId),
    setCapture: (isOn) => figures.setCapture(isOn),
    readHistory: (query) => {
      if (history === null) throw new Error("There is no history");
      return history.read(query);
    },
    readCredit: () => keyCredit.read(),
  };
}
