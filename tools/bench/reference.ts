// Reference proxies that do the least possible: `pass` forwards upstream's body unchanged, `passjs` through one identity
// TransformStream. Arguments: which of them, the upstream URL, and the port.

const [which, upstream = "", port] = Deno.args;

Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen: () => {} },
  async (request) => {
    if (request.method === "GET") return new Response("ok");
    const response = await fetch(upstream, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: await request.text(),
    });
    const body = which === "passjs" && response.body !== null
      ? response.body.pipeThrough(new TransformStream())
      : response.body;
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
);
