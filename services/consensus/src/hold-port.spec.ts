import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "@aios/service-kit/free-port";
import { expect, it } from "vitest";
import { holdPort } from "./hold-port.js";

it("holds a node's port against another, and lets it go although peers dial it meanwhile", async () => {
  const place = { host: "127.0.0.1", port: await freePort() };
  const release = await holdPort(place);
  await expect(holdPort(place)).rejects.toMatchObject({ code: "node-running" });
  const peer = connect(place.port, place.host);
  peer.on("error", () => undefined);
  await once(peer, "connect");
  peer.write("hello");
  await release();
  await (await holdPort(place))();
});
