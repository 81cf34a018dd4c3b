/**
 * Runs Claude Code as one process for several turns, with a model switch as by `/model`, sent as the client's control
 * messages. Knows only the proxy's address.
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import { listFolders, type RunOptions, toClientEnv } from "./cli.ts";

/** One turn: what is said, and before it a switch of the model. */
export interface LiveTurn {
  prompt: string;
  model?: string;
}

/** What was said in the end of each turn; an error's words too. */
export interface LiveRun {
  texts: string[];
  failed: boolean[];
}

/** Runs all turns in one process. @throws {Error} where it ends, or a switch is refused, before that */
export async function runLive(options: RunOptions, turns: readonly LiveTurn[]): Promise<LiveRun> {
  const { home, work } = listFolders(options.folder);
  const child = new Deno.Command(options.path, {
    args: [
      ...["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"],
      ...options.args,
    ],
    cwd: work,
    clearEnv: true,
    env: toClientEnv(home, options),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs);
  const errors = new Response(child.stderr).text();
  const messages = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).values();
  const input = child.stdin.getWriter();
  try {
    const results: JsonObject[] = [];
    for (const turn of turns) results.push(await takeTurn(turn, { input, messages }));
    return {
      texts: results.map((result) => String(result["result"] ?? "")),
      failed: results.map((result) => result["is_error"] !== false),
    };
  } catch (cause) {
    throw new Error(`Claude Code ended early: ${(await errors).slice(0, 2000)}`, { cause });
  } finally {
    await input.close().catch(() => {});
    for await (const _rest of messages);
    await child.status;
    await errors;
    clearTimeout(timer);
  }
}

interface Pipes {
  input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  messages: AsyncIterableIterator<string>;
}

async function takeTurn({ prompt, model }: LiveTurn, pipes: Pipes): Promise<JsonObject> {
  if (model !== undefined) {
    const request = { subtype: "set_model", model };
    await send(pipes, { type: "control_request", request_id: `switch-to-${model}`, request });
    const { response } = await waitFor(pipes, "control_response");
    const isDone = isJsonObject(response) && response["subtype"] === "success";
    if (!isDone) throw new Error(`No switch to ${model}: ${JSON.stringify(response)}`);
  }
  const content = [{ type: "text", text: prompt }];
  await send(pipes, { type: "user", message: { role: "user", content } });
  return await waitFor(pipes, "result");
}

function send({ input }: Pipes, message: JsonObject): Promise<void> {
  return input.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
}

async function waitFor({ messages }: Pipes, type: string): Promise<JsonObject> {
  while (true) {
    const { value, done } = await messages.next();
    if (done) throw new Error(`no ${type} came`);
    const message = parseJson(value);
    if (isJsonObject(message) && message["type"] === type) return message;
  }
}
