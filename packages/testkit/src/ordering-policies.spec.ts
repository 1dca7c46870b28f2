import { dagOrder } from "@aios/core-honor-node/ordering-policy";
import { orderingPolicyConformance } from "./ordering-policy-conformance.js";

orderingPolicyConformance("dagOrder", dagOrder);
