// Imports every @std module the project uses, so that caching this file shows whether JSR is reachable.
import "@std/assert";
import "@std/crypto/timing-safe-equal";
import "@std/dotenv/parse";
import "@std/http/negotiation";
import "@std/http/status";
import "@std/streams/limited-bytes-transform-stream";
import "@std/streams/text-line-stream";
