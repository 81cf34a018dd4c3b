// Imports every @std module the project uses, so that caching this file tells if JSR is reachable.
import "@std/assert";
import "@std/dotenv/parse";
import "@std/http/negotiation";
import "@std/http/status";
import "@std/streams/limited-bytes-transform-stream";
import "@std/streams/text-line-stream";
