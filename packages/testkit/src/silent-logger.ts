import { createLogger, type Logger } from "@aios/service-kit/logger";

/** Writes nothing. */
export const silentLogger: Logger = createLogger({ service: "test", level: "silent" });
