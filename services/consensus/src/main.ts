#!/usr/bin/env node
import { runService } from "@aios/service-kit/service";
import { consensusOptions } from "./service-options.js";

await runService(consensusOptions);
