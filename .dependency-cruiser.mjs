/** The dependency rules of the architecture. Every one is an error. */
const TESTS = "\\.(spec|integration|e2e|bench)\\.tsx?$|/test/|/bench/|^e2e/|^packages/testkit/";
const LOCAL_PACKAGES = "^(packages|cores|services|apps|contracts|e2e)";

export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "A cycle means two files are one: merge them or extract what both need.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "An import that cannot be resolved is an error.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^(node:|bun:)" },
    },
    {
      name: "pure-cores-and-domain",
      comment: "cores and domain import the kernel, cores and vetted cryptography only.",
      severity: "error",
      // The prover's WASM module runs in a thread of its own: its host is the one place in a core that does I/O.
      from: { path: "^cores/[^/]+/src/|/src/domain/", pathNot: [TESTS, "^cores/groth16/src/prover-thread"] },
      to: {
        pathNot: [
          "^cores/",
          "^packages/kernel/",
          "/src/domain/",
          "node_modules/@noble/",
          "node_modules/ethers/",
          // Protobuf's wire format over bytes in memory: pure, and the importer's only way to read ONNX.
          "node_modules/@bufbuild/protobuf/",
          // MessagePack over bytes in memory: how ACIR is written.
          "node_modules/msgpackr/",
          "^@noble/",
          // Keccak in WebAssembly, for Node and browsers: a state root is mostly hashing.
          "node_modules/hash-wasm/",
          "^ethers$",
          "^@bufbuild/protobuf",
        ],
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "application-below-adapters",
      comment: "application → domain and cores, never adapters.",
      severity: "error",
      from: { path: "/src/application/", pathNot: TESTS },
      to: { path: "/src/adapters/" },
    },
    {
      name: "domain-below-application",
      severity: "error",
      comment: "domain knows neither use cases nor adapters.",
      from: { path: "/src/domain/", pathNot: TESTS },
      to: { path: "/src/(application|adapters)/" },
    },
    {
      name: "adapters-apart",
      comment: "One kind of adapter never imports another.",
      severity: "error",
      from: { path: "^(services|apps)/([^/]+)/src/adapters/([^/]+)/", pathNot: TESTS },
      to: { path: "^$1/$2/src/adapters/", pathNot: "^$1/$2/src/adapters/$3/" },
    },
    {
      name: "services-apart",
      comment: "Services meet in proto and events only.",
      severity: "error",
      from: { path: "^services/([^/]+)/", pathNot: TESTS },
      to: { path: "^services/", pathNot: "^services/$1/" },
    },
    {
      name: "no-deep-imports",
      comment: "Other packages are entered by name, never by a path into their src.",
      severity: "error",
      from: { path: `${LOCAL_PACKAGES}/([^/]+)/` },
      to: {
        path: `${LOCAL_PACKAGES}/[^/]+/src/`,
        pathNot: "^$1/$2/",
        dependencyTypes: ["local"],
      },
    },
    {
      name: "no-unlisted-dependencies",
      severity: "error",
      comment: "What a package imports it lists itself: an image holds what is listed, nothing else.",
      from: { path: "^(packages|cores|services|apps)/[^/]+/src/", pathNot: TESTS },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "no-dev-dependencies-in-product",
      severity: "error",
      comment: "What ships may not lean on a development dependency.",
      from: { path: "^(packages|cores|services|apps)/[^/]+/src/", pathNot: [TESTS, "^apps/studio/"] },
      to: {
        dependencyTypes: ["npm-dev"],
        dependencyTypesNot: ["type-only"],
        pathNot: "node_modules/@types/",
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules|/dist/|/generated/" },
    exclude: { path: "(^|/)(bench|dist|generated|\\.aios|coverage|target)/" },
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["types", "node", "import", "default"],
    },
  },
};
