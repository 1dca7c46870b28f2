// `npm run bench -- concurrent-jobs [count]`: many unproven inferences at once, through the gateway only.
import { MainJob } from "@aios/main-job/main-job";
import { systemClock } from "@aios/service-kit/system-clock";
import { concurrentFigures, unseenDigits } from "../src/concurrent-figures.js";
import { printFigures } from "../src/figures.js";
import { LocalPlatform } from "../src/local-platform.js";
import { SilentReport } from "../src/silent-report.js";

const count = Number(process.argv.find((argument) => /^[0-9]+$/.test(argument)) ?? 200);
const local = await LocalPlatform.start();
try {
  const business = local.client("business");
  const job = new MainJob(
    { developer: local.client("developer"), business },
    new SilentReport(),
    systemClock,
  );
  const { model } = await job.run({ providers: 2, digitIndex: 0 });
  const modelId = model.modelId as number;
  const figures = await concurrentFigures(
    "concurrent-jobs",
    local,
    business,
    modelId,
    await unseenDigits(),
    count,
  );
  printFigures(figures, process.argv.includes("--json"), process.stdout);
} finally {
  await local.stop();
}
