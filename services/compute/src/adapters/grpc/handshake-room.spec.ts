import { expect, it } from "vitest";
import { HandshakeRoom } from "./handshake-room.js";

it("lets no more in than there are places, nor one host into more than a quarter, and takes a place back once", () => {
  const room = new HandshakeRoom(8);
  const full = expect.objectContaining({ code: "too-many-handshakes", kind: "rate-limited" });
  const [leave] = [room.enter("a"), room.enter("a")];
  expect(() => room.enter("a")).toThrow(full);
  for (const host of ["b", "c", "d"]) for (let place = 0; place < 2; place++) room.enter(host);
  expect(() => room.enter("e")).toThrow(full);
  leave?.();
  leave?.();
  room.enter("e");
  expect(() => room.enter("a")).toThrow(full);
});
