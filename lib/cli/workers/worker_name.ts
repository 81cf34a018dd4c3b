/**
 * By its name a thread is known as a worker of this program (WORKERS). A module of its own, because every command
 * imports it.
 * @module
 */

/** How the names of workers begin. */
export const WORKER_NAME = "claudeproxy worker";
