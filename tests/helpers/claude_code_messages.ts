/**
 * What Claude Code 2.1.332 itself shows where an answer fails, whatever the proxy said. Measured with
 * `claude -p` against a scripted server; tests/clients/cases/errors.ts sees them again with the real client.
 * @module
 */

/** Words that people will search for. */
export const CLAUDE_CODE_MESSAGES = {
  /** No token in its environment. */
  noToken: "Not logged in · Please run /login",
  /** Nothing listens where it asks. */
  noProxy: "API Error: Connection refused",
  /** The same in 2.1.197. */
  noProxyBefore: "API Error: Unable to connect to API (ConnectionRefused)",
  /** 401 and 403; the proxy's words follow. */
  refused: "Failed to authenticate. API Error: 40",
  /** 404, and the proxy's words do not follow. */
  noModel: "There's an issue with the selected model",
  /** 400 with `prompt is too long`. */
  tooLong: "Prompt is too long",
  /** 413. */
  tooLarge: "Request too large (max 32MB).",
  /** 500 and above, behind the proxy's words. */
  serverSide: "This is a server-side issue, usually temporary",
  /** Auto mode without traffic to its maker, where it asks a server for its check. */
  noCheck: "Auto mode can't check actions in this session. ",
  /** Auto mode where the server gives no verdict, and it checks by itself. */
  ownCheck: "We're changing auto mode to no longer charge for classifier requests in Claude Code. ",
  /** An error after text of an answer was shown; in the program, not seen by these tests. */
  broken: "API Error: Server error mid-response. The response above may be incomplete.",
} as const;
