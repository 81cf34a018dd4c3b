/**
 * Runs Claude Code as one process for several turns. Switches the model as `/model` does, with the client's control
 * messages. Knows only the proxy's address.
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import { type RunOptions, toEnvironment } from "./claude_cli.ts";

/** One turn: a prompt, after a switch to a model if given. */
export interface Turn {
  prompt: string;
  model?: string;
}

/** The final text of each turn, which may be an error, and whether it failed. */
export interface TurnResults {
  texts: string[];
  failed: boolean[];
}

/** Runs all turns in one process. @throws {Error} if it exits early or rejects a switch */
export async function runTurns(options: RunOptions, turns: readonly Turn[]): Promise<TurnResults> {
  const child = new Deno.Command(options.path, {
    args: [
      ...["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"],
      ...options.args,
    ],
    ...toEnvironment(options),
    clearEnv: true,
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
    for (const turn of turns) results.push(await runTurn(turn, { input, messages }));
    return {
      texts: results.map((result) => String(result["result"] ?? "")),
      failed: results.map((result) => result["is_error"] !== false),
    };
  } catch (cause) {
    throw new Error(`Claude Code exited early: ${(await errors).slice(0, 2000)}`, { cause });
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

async function runTurn({ prompt, model }: Turn, pipes: Pipes): Promise<JsonObject> {
  if (model !== undefined) {
    const request = { subtype: "set_model", model };
    await send(pipes, { type: "control_request", request_id: `switch-to-${model}`, request });
    const { response } = await waitFor(pipes, "control_response");
    const isSwitched = isJsonObject(response) && response["subtype"] === "success";
    if (!isSwitched) throw new Error(`No switch to ${model}: ${JSON.stringify(response)}`);
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
    if (done) throw new Error(`No ${type} was received`);
    const message = parseJson(value);
    if (isJsonObject(message) && message["type"] === type) return message;
  }
}
