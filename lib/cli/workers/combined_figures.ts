/**
 * The figures of all workers: the coordinator has those of completed requests, and asks the workers for requests in
 * flight and captured bodies.
 * @module
 */

import type { RequestRange } from "../../metrics/completed_requests.ts";
import type { Figures } from "../../metrics/figures.ts";
import type { Metrics, Snapshot } from "../../metrics/metrics.ts";
import type { Bodies, CompletedRequest, Session, Stats } from "../../metrics/types.ts";
import type { WorkerChannel } from "./worker_thread.ts";

/** Asks all workers the same; the answers of those that answer in time. */
export type AskAll = <T>(ask: (channel: WorkerChannel) => Promise<T>) => Promise<T[]>;

/** Figures over all workers. */
export class CombinedFigures implements Figures {
  readonly #metrics: Metrics;
  readonly #askAll: AskAll;

  /** @param metrics the coordinator's, with the collected requests */
  constructor(metrics: Metrics, askAll: AskAll) {
    this.#metrics = metrics;
    this.#askAll = askAll;
  }

  async read(after: number, limit?: number): Promise<Stats> {
    // First: with their answers, the workers send the requests that they have completed.
    const snapshot = await this.#readSnapshot();
    return this.#metrics.read(after, limit, snapshot);
  }

  async listCompleted(range: RequestRange): Promise<CompletedRequest[]> {
    const { previews } = await this.#readSnapshot();
    return this.#metrics.listCompleted(range, previews);
  }

  findSession(sessionId: string): Session | undefined {
    return this.#metrics.findSession(sessionId);
  }

  async readBodies(requestId: string): Promise<Bodies | undefined> {
    const answers = await this.#askAll((channel) => channel.call("readBodies", requestId));
    return answers.find((bodies) => bodies !== undefined);
  }

  async setCapture(isOn: boolean): Promise<void> {
    // For workers that are started again.
    this.#metrics.setCapture(isOn);
    await this.#askAll((channel) => channel.call("setCapture", isOn));
  }

  async #readSnapshot(): Promise<Snapshot> {
    const snapshots = await this.#askAll((channel) => channel.call("readSnapshot"));
    return {
      inFlight: snapshots.flatMap(({ inFlight }) => inFlight)
        .sort((a, b) => b.elapsedMs - a.elapsedMs),
      previews: new Map(snapshots.flatMap(({ previews }) => [...previews])),
    };
  }
}
