import type { Type } from "@nestjs/common";
import { AuthController } from "./controllers/auth.controller.js";
import { ContentController } from "./controllers/content.controller.js";
import { ContentKeyController } from "./controllers/content-key.controller.js";
import { DemoController } from "./controllers/demo.controller.js";
import { DocsController } from "./controllers/docs.controller.js";
import { GraphqlController } from "./controllers/graphql.controller.js";
import { JobController } from "./controllers/job.controller.js";
import { JobEventsController } from "./controllers/job-events.controller.js";
import { JobEvidenceController } from "./controllers/job-evidence.controller.js";
import { ModelController } from "./controllers/model.controller.js";
import { OperationsController } from "./controllers/operations.controller.js";
import { PlatformController } from "./controllers/platform.controller.js";
import { RpcController } from "./controllers/rpc.controller.js";

/** All routes of the gateway. */
export const CONTROLLERS: readonly Type<unknown>[] = [
  AuthController,
  PlatformController,
  ContentController,
  ContentKeyController,
  ModelController,
  JobController,
  JobEvidenceController,
  JobEventsController,
  OperationsController,
  RpcController,
  GraphqlController,
  DemoController,
  DocsController,
];
