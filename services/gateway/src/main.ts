import { runService } from "@aios/service-kit/service";
import { gatewayService } from "./service.js";

await runService(gatewayService);
