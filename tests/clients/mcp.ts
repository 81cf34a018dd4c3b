/**
 * Arguments for Claude Code to use the MCP server of these tests.
 * @module
 */

/** Its tool that writes its input to the log, by Claude Code's name. */
export const WORD_TOOL = "mcp__srv__tool-name";
/** Its tool whose schema was written by zod 4. */
export const INVITE_TOOL = "mcp__srv__invite";
/** Its tool without parameters. */
export const PING_TOOL = "mcp__srv__ping";

/** The server, which writes to the log what its tools were given, and leave to call them. */
export function listMcpArgs(log: string): string[] {
  const script = new URL("./mcp_server.ts", import.meta.url).href;
  const srv = {
    command: Deno.execPath(),
    args: ["run", "--quiet", `--allow-write=${log}`, script, log],
    env: { DENO_NO_UPDATE_CHECK: "1" },
  };
  const config = JSON.stringify({ mcpServers: { srv } });
  const tools = [WORD_TOOL, INVITE_TOOL, PING_TOOL].join();
  return ["--mcp-config", config, "--strict-mcp-config", "--allowedTools", tools];
}
