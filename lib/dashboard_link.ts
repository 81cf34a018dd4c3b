/**
 * A one-time link to the dashboard, for a proxy whose keys the user does not know. The first browser that opens it
 * gets a cookie that is valid until the process ends. auth.ts decides what the two give access to.
 * @module
 */

import { isEqual } from "./constant_time.ts";

/** The query parameter of the link. */
const PARAMETER = "link";

/** The secrets of a link: random texts of characters that a URL and a cookie may contain. */
export interface DashboardSecrets {
  /** In the link; accepted once. */
  token: string;
  /** In the cookie. */
  session: string;
}

/** The link, and what the URL of a request contains of it. */
export interface DashboardAccess {
  link: DashboardLink;
  /** Null if the URL has none. */
  token: string | null;
}

/** The link of one process. */
export class DashboardLink {
  readonly #secrets: DashboardSecrets;
  #isUsed = false;

  constructor(secrets: DashboardSecrets) {
    this.#secrets = secrets;
  }

  /** The link. @param base the address of the proxy, without a slash at the end */
  toUrl(base: string): string {
    return `${base}/?${PARAMETER}=${this.#secrets.token}`;
  }

  /** What the URL of a request contains of the link. */
  read(url: URL): DashboardAccess {
    return { link: this, token: url.searchParams.get(PARAMETER) };
  }

  /** Whether this is the token of the link, which has not been used yet. */
  acceptsToken(token: string): boolean {
    return isEqual(token, this.#secrets.token) && !this.#isUsed;
  }

  /** Whether the `cookie` header contains the session. Its name does not matter: the value cannot be guessed. */
  acceptsCookie(header: string | null): boolean {
    const values = (header ?? "").split(";").map((pair) => pair.slice(pair.indexOf("=") + 1));
    return values.filter((value) => isEqual(value.trim(), this.#secrets.session)).length > 0;
  }

  /**
   * Ends the validity of the token.
   * @param port of the proxy: browsers send cookies to all ports of a host, so that proxies must not share a name
   * @returns the value of `set-cookie`
   */
  redeem(port: number): string {
    this.#isUsed = true;
    const { session } = this.#secrets;
    return `claudeproxy-${port}=${session}; Path=/; HttpOnly; SameSite=Strict`;
  }
}
