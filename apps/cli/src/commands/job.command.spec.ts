import type { Job, Page } from "@aios/sdk/api-types";
import { expect, it } from "vitest";
import { newestJobs } from "./job.command.js";

/** Pages of two jobs each, under cursors that the one before names. */
function pages(count: number) {
  const asked: (string | undefined)[] = [];
  const list = async (cursor?: string): Promise<Page<Job>> => {
    asked.push(cursor);
    const page = Number(cursor ?? 0);
    const items = [2 * page, 2 * page + 1].map((at) => ({ jobId: `job-${at}` }) as Job);
    return { items, nextCursor: page + 1 < count ? String(page + 1) : null };
  };
  return { list, asked };
}

it("reads all of the account's jobs, page after page", async () => {
  const { list, asked } = pages(3);
  const { items, more } = await newestJobs(list, 3);
  expect(items.map(({ jobId }) => jobId)).toEqual(["job-0", "job-1", "job-2", "job-3", "job-4", "job-5"]);
  expect(more).toBe(false);
  expect(asked).toEqual([undefined, "1", "2"]);
});

it("stops at its bound and says that there are more", async () => {
  const { list, asked } = pages(4);
  const { items, more } = await newestJobs(list, 3);
  expect(items).toHaveLength(6);
  expect(more).toBe(true);
  expect(asked).toHaveLength(3);
});
