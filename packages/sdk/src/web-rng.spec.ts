import { rngConformance } from "@aios/testkit/rng-conformance";
import { webRng } from "./web-rng.js";

rngConformance("webRng", () => webRng);
