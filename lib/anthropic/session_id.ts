/**
 * Finds the id of the client's session, which keeps a conversation on one upstream provider and groups its requests in
 * the metrics.
 * @module
 */

/** OpenRouter's limit for `session_id`. */
const MAX_CHARS = 256;
const SUFFIX = "_session_";

/**
 * The client's session id, else the one in `metadata.user_id`, else the whole `user_id`. Undefined if each of them is
 * missing, empty or longer than 256 characters.
 * @param sessionId the header `x-claude-code-session-id`
 */
export function findSessionId(
  userId: string | undefined,
  sessionId: string | undefined,
): string | undefined {
  const isValid = (id: string | undefined) => id && id.length <= MAX_CHARS;
  return [sessionId, readSessionId(userId), userId].find(isValid);
}

/** Claude Code puts its session into `metadata.user_id`: as JSON, in older versions after `_session_`. */
function readSessionId(userId: string | undefined): string | undefined {
  if (userId === undefined) return undefined;
  return /"session_id"\s{0,9}:\s{0,9}"([^"]{1,256})"/.exec(userId)?.[1] ?? readSuffix(userId);
}

/** Searches from the end: a regular expression would scan on from every occurrence, in quadratic time. */
function readSuffix(userId: string): string | undefined {
  const start = userId.lastIndexOf(SUFFIX);
  const id = start === -1 ? "" : userId.slice(start + SUFFIX.length);
  return /^[\w-]{1,256}$/.test(id) ? id : undefined;
}
