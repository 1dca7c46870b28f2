import { expect, it } from "vitest";
import { isLoopback } from "./loopback.js";

it.each(["127.0.0.1", "127.8.9.10", "::1", "localhost"])("%s reaches this machine only", (host) => {
  expect(isLoopback(host)).toBe(true);
});

it.each([
  "0.0.0.0",
  "::",
  "10.0.0.1",
  "127.0.0.1.example",
  "127.evil",
  "localhost.example",
  "1127.0.0.1",
  "",
])("%s may reach a network", (host) => {
  expect(isLoopback(host)).toBe(false);
});
