#!/usr/bin/env node
import { runService } from "@aios/service-kit/service";
import { proverOptions } from "./service-options.js";

await runService(proverOptions);
