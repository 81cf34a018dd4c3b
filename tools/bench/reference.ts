/**
 * The references of the benches, as little as a proxy can do: `pass` hands upstream's body on untouched,
 * `passjs` through one identity TransformStream. Arguments: which, upstream's address. Prints its port.
 */

const [which, upstream = ""] = Deno.args;

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    if (request.method === "GET") return new Response("ok");
    const answer = await fetch(upstream, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: await request.text(),
    });
    const body = which === "passjs" && answer.body !== null
      ? answer.body.pipeThrough(new TransformStream())
      : answer.body;
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
);

Deno.stdout.writeSync(new TextEncoder().encode(`${server.addr.port}\n`));
