#!/usr/bin/env node
import { runService } from "@aios/service-kit/service";
import { storageOptions } from "./service-options.js";

await runService(storageOptions);
