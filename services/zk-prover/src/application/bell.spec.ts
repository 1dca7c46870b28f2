import { expect, it } from "vitest";
import { Bell, type Waker } from "./bell.js";

/** Everyone who waits, and by whom those were woken who were. */
function listeners(bell: Bell, count: number): (Waker | undefined)[] {
  const woken = Array.from({ length: count }, (): Waker | undefined => undefined);
  for (const at of woken.keys())
    void bell.wait().then((by) => {
      woken[at] = by;
    });
  return woken;
}

/** Until what was resolved has been heard. */
const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("wakes one at a ring, whoever waits longest first", async () => {
  const bell = new Bell(3);
  const woken = listeners(bell, 3);
  bell.ring("news");
  await heard();
  expect(woken).toEqual(["news", undefined, undefined]);
  bell.ring("clock");
  await heard();
  expect(woken).toEqual(["news", "clock", undefined]);
});

it("keeps as many rings of news as there are listeners for those who come, and none of the clock", async () => {
  const bell = new Bell(2);
  for (let ring = 0; ring < 5; ring++) bell.ring("news");
  bell.ring("clock");
  const woken = listeners(bell, 3);
  await heard();
  expect(woken).toEqual(["news", "news", undefined]);
});

it("lets nobody wait once it is closed", async () => {
  const bell = new Bell(2);
  const woken = listeners(bell, 2);
  bell.close();
  woken.push(await bell.wait());
  await heard();
  expect(woken).toEqual(["news", "news", "news"]);
});
