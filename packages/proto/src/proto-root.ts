import { fileURLToPath } from "node:url";

/** Directory that holds the `.proto` files; import paths start below it. */
export const protoRoot: string = fileURLToPath(new URL("../../../../proto/", import.meta.url));
