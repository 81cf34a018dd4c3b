/**
 * Error messages that Claude Code 2.1.332 shows of its own, observed with `claude -p` against a fake server.
 * tests/clients/cases/errors.ts checks them with the real client.
 * @module
 */

/** The messages that users will search for. */
export const CLAUDE_CODE_MESSAGES = {
  /** No token in the environment. */
  noToken: "Not logged in · Please run /login",
  /** The proxy is not running. */
  noProxy: "API Error: Connection refused",
  /** The same in 2.1.197. */
  noProxyBefore: "API Error: Unable to connect to API (ConnectionRefused)",
  /** 401 and 403; the proxy's message follows. */
  refused: "Failed to authenticate. API Error: 40",
  /** 404; the proxy's message does not follow. */
  noModel: "There's an issue with the selected model",
  /** 400 with `prompt is too long`. */
  tooLong: "Prompt is too long",
  /** 413. */
  tooLarge: "Request too large (max 32MB).",
  /** 500 and above, after the proxy's message. */
  serverSide: "This is a server-side issue, usually temporary",
  /** Auto mode that is checked by a server, without nonessential traffic to Anthropic. */
  noCheck: "Auto mode can't check actions in this session. ",
  /** Auto mode if the server returns no verdict and the client runs its own check. */
  ownCheck: "We're changing auto mode to no longer charge for classifier requests in Claude Code. ",
  /** An error after text was shown; found in the program, not covered by these tests. */
  broken: "API Error: Server error mid-response. The response above may be incomplete.",
} as const;
