import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  isInstalled,
  type Manifest,
  manifests,
  podTemplates,
  render,
  type Selector,
  VALUE_SETS,
  type ValueSet,
} from "./helm.js";

const ARCHITECTURE = new URL("../../docs/ARCHITECTURE.md", import.meta.url);

describe.skipIf(!isInstalled("helm"))("the charts", () => {
  it("render the small installation as reviewed", async () => {
    await expect(render("small")).toMatchFileSnapshot("./rendered/small.yaml");
  });

  it.each(VALUE_SETS)("render %s to the objects that were reviewed", async (set) => {
    const names = manifests(render(set)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    await expect(`${names.sort().join("\n")}\n`).toMatchFileSnapshot(`./rendered/${set}.objects.txt`);
  });

  it.each(VALUE_SETS)("give every pod of %s no more than Pod Security 'restricted' allows", (set) => {
    const pods = podTemplates(manifests(render(set)));
    expect(pods.size).toBeGreaterThan(9);
    for (const [name, pod] of pods) {
      expect(pod.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const container of pod.containers) {
        expect(container.securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(container.resources.limits.memory, name).toBeDefined();
        expect(container.resources.requests, name).toMatchObject({
          cpu: expect.anything(),
          memory: expect.anything(),
        });
      }
    }
  });

  it("have every pod scraped by the Prometheus Operator where it is asked to", () => {
    const set = "global.monitoring.podMonitor=true,global.monitoring.labels.release=kube-prometheus";
    const all = manifests(render("production", "--set", set));
    const monitor = all.find(({ kind }) => kind === "PodMonitor");
    expect(monitor?.spec).toMatchObject({
      selector: {
        matchLabels: { "app.kubernetes.io/part-of": "aios", "app.kubernetes.io/instance": "aios" },
      },
      podMetricsEndpoints: [{ port: "health", path: "/metrics" }],
    });
    expect(JSON.stringify(monitor?.metadata)).toContain("kube-prometheus");
  });

  it("give the Kubernetes API to the one Job that makes the network's keys, and to nothing else", () => {
    const all = manifests(render("small"));
    const withToken = [...podTemplates(all)].filter(([, pod]) => pod.automountServiceAccountToken !== false);
    expect(withToken.map(([name]) => name)).toEqual(["Job/aios-set-up"]);
    expect(all.filter(({ kind }) => kind.startsWith("Cluster"))).toEqual([]);
  });

  it.each(VALUE_SETS)("hold no secret of %s, and show each pod only its own keys", (set) => {
    const all = manifests(render(set));
    expect(all.filter(({ kind }) => kind === "Secret")).toEqual([]);
    for (const [name, pod] of podTemplates(all)) {
      if (name.startsWith("Job/")) continue;
      for (const { secret } of pod.volumes) {
        if (secret !== undefined) expect(secret.items?.length, name).toBeGreaterThan(0);
      }
      for (const { env = [] } of pod.containers) {
        for (const variable of env) {
          if (!/(DATABASE|EVENT_BUS|REDIS)_URL|PASSWORD/.test(variable.name)) continue;
          expect(variable.valueFrom?.secretKeyRef, variable.name).toBeDefined();
        }
      }
    }
  });

  it("give each service its own certificate where TLS is on, and providers a port of their own", () => {
    const all = manifests(render("small", "--set", "global.tls.enabled=true"));
    const pods = podTemplates(all);
    for (const [name, pod] of pods) {
      if (name.startsWith("Job/") || name.endsWith("postgres")) continue;
      const service = name.split("/aios-")[1];
      const mounted = pod.volumes.find((volume) => volume.secret?.secretName?.includes("-tls-"))?.secret;
      const keys = mounted?.items?.map(({ key }) => key);
      expect(mounted?.secretName, name).toBe(`aios-tls-${service === "provider" ? "compute" : service}`);
      expect(keys, name).toEqual(service === "provider" ? ["ca.crt"] : ["ca.crt", "tls.crt", "tls.key"]);
    }
    const provider = all.find(
      ({ kind, metadata: { name } }) => kind === "NetworkPolicy" && name === "aios-provider",
    );
    expect(JSON.stringify(provider?.spec.egress)).toContain("50061");
    expect(JSON.stringify(provider?.spec.egress)).not.toContain("50051");
    const withToken = [...pods].filter(([, pod]) => pod.automountServiceAccountToken !== false);
    expect(withToken.map(([name]) => name).sort()).toEqual(["Job/aios-certificates", "Job/aios-set-up"]);
    expect(all.map(({ kind }) => kind)).toContain("CronJob");
  });

  it("give storage, and nobody else, the address of Kubo where one holds the contents", () => {
    const told = (...extra: string[]) =>
      [...podTemplates(manifests(render("small", ...extra)))]
        .filter(([, pod]) => JSON.stringify(pod).includes("KUBO_RPC_URL"))
        .map(([name]) => name);
    expect(told()).toEqual([]);
    const pods = told("--set", "global.kubo.secretName=aios-kubo");
    expect(pods.length).toBeGreaterThan(0);
    expect(pods.filter((name) => !name.includes("storage"))).toEqual([]);
  });

  it("give the deployment of the contracts and the prover the same powers of tau, from one value", () => {
    const powers = { claimName: "aios-powers", file: "hez/pot17.ptau", sha256: "ab".repeat(32) };
    const chosen = (values: object) =>
      podTemplates(
        manifests(
          render(
            "small",
            "--set",
            Object.entries(values)
              .map(([key, value]) => `global.honkPowers.${key}=${value}`)
              .join(","),
          ),
        ),
      );
    const pods = chosen(powers);
    const [prover] = pods.get("Deployment/aios-zk-prover")?.containers ?? [];
    expect(prover?.env).toContainEqual({ name: "PROVER_HONK_POWERS_FILE", value: "/powers/hez/pot17.ptau" });
    expect(prover?.env).toContainEqual({ name: "PROVER_HONK_POWERS_SHA256", value: powers.sha256 });
    const protocol = [...pods].find(([name]) => name.startsWith("Job/aios-protocol"))?.[1];
    expect(JSON.stringify(protocol?.containers[0])).toContain(
      `"--honk-powers","/powers/hez/pot17.ptau","--honk-powers-sha256","${powers.sha256}"`,
    );
    const mounting = [...pods].filter(([, pod]) => JSON.stringify(pod.volumes).includes("aios-powers"));
    expect(mounting.map(([name]) => name.replace(/-\d+$/, "")).sort()).toEqual([
      "Deployment/aios-zk-prover",
      "Job/aios-protocol",
    ]);
    expect(() => chosen({ ...powers, sha256: "" })).toThrow(/global.honkPowers.sha256 is missing/);
    expect(() => chosen({ ...powers, sha256: "nonsense" })).toThrow(/sha256/);
  });

  it("render with the values of a release that knew no powers of tau, as --reuse-values passes them", () => {
    expect(render("small", "--set", "global.honkPowers=null")).toBe(render("small"));
  });

  it("give each honor node keys of its own, peers by name, and callers the first of them", () => {
    const all = manifests(render("small", "--set", "global.network.honorNodes=4"));
    const named = (kind: string, name: string): Manifest | undefined =>
      all.find((object) => object.kind === kind && object.metadata.name === name);
    const nodes = named("StatefulSet", "aios-consensus");
    expect(nodes?.spec).toMatchObject({ replicas: 4, serviceName: "aios-consensus-peers" });
    const honor = nodes?.spec.template.spec.volumes.find(({ name }) => name === "honor")?.secret;
    expect(honor).toMatchObject({ secretName: "aios-network", defaultMode: 0o440 });
    expect(honor?.items).toEqual(
      [0, 1, 2, 3].flatMap((node) =>
        ["node.pem", "seat.key", "operator.key"].map((file) => ({
          key: `honor-${node}-${file}`,
          path: `aios-consensus-${node}/${file}`,
        })),
      ),
    );
    const [container] = nodes?.spec.template.spec.containers ?? [];
    expect(JSON.stringify(container)).toContain('"subPathExpr":"$(POD_NAME)"');
    expect(container?.env).toContainEqual({
      name: "CONSENSUS_OPERATOR_KEY_FILE",
      value: "/honor/operator.key",
    });
    expect(named("Service", "aios-consensus-peers")?.spec).toMatchObject({
      clusterIP: "None",
      publishNotReadyAddresses: true,
    });
    expect(named("Service", "aios-consensus")?.spec.selector).toMatchObject({
      "statefulset.kubernetes.io/pod-name": "aios-consensus-0",
    });
    expect(named("PodDisruptionBudget", "aios-consensus")?.spec).toMatchObject({ maxUnavailable: 1 });
    const policy = JSON.stringify(named("NetworkPolicy", "aios-consensus")?.spec);
    expect(policy.match(/"port":30400/g)).toHaveLength(2);
    expect(() => render("small", "--set", "global.network.honorNodes=5")).toThrow(/honorNodes/);
  });

  it("let providers outside the release in by address, at the port for providers and no other", () => {
    const outside =
      "global.networkPolicy.providerCidrs={198.51.100.0/24},compute.providerService.type=LoadBalancer";
    const all = manifests(render("production", "--set", outside));
    const policy = (name: string): string =>
      JSON.stringify(
        all.find(({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === name)?.spec.ingress,
      );
    for (const name of ["aios-compute", "aios-storage"])
      expect(policy(name)).toContain(
        `{"from":[{"ipBlock":{"cidr":"198.51.100.0/24"}}],"ports":[{"port":50061}]}`,
      );
    expect(policy("aios-economy")).not.toContain("ipBlock");
    const services = all.filter(
      ({ kind, metadata }) => kind === "Service" && /-providers$/.test(metadata.name),
    );
    expect(services.map(({ metadata }) => metadata.name)).toEqual(["aios-compute-providers"]);
    expect(services[0]?.spec).toMatchObject({
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
      ports: [{ port: 50_061 }],
    });
  });

  it("open the way only to backends that a service uses, at their ports", () => {
    const egress = (set: ValueSet, name: string): string =>
      JSON.stringify(
        manifests(render(set)).find(
          ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === `aios-${name}`,
        )?.spec.egress,
      );
    const ports = (text: string): number[] =>
      [...text.matchAll(/"ipBlock":\{"cidr":"0.0.0.0\/0"\}\}\],"ports":\[\{"port":(\d+)/g)].map(([, port]) =>
        Number(port),
      );
    expect(ports(egress("production", "gateway"))).toEqual([5_432, 6_379]);
    expect(ports(egress("production", "compute"))).toEqual([5_432, 9_092]);
    expect(ports(egress("production", "consensus"))).toEqual([]);
    expect(egress("small", "compute")).not.toContain("ipBlock");
    expect(egress("small", "compute")).toContain('"app.kubernetes.io/name":"postgres"');
  });

  it("bring a Kafka and a Redis along where the cluster has none, with passwords that no manifest holds", () => {
    const bundled = [
      "--set",
      "global.eventBus.bundled=true,global.eventBus.secretName=aios-kafka,global.eventBus.secretKey=url",
      "--set",
      "global.redis.bundled=true,global.redis.secretName=aios-redis",
    ];
    const all = manifests(render("small", ...bundled));
    const named = (kind: string, name: string): Manifest | undefined =>
      all.find((object) => object.kind === kind && object.metadata.name === name);
    expect(named("StatefulSet", "aios-kafka")).toBeDefined();
    expect(named("StatefulSet", "aios-redis")).toBeDefined();
    const compute = JSON.stringify(named("NetworkPolicy", "aios-compute")?.spec.egress);
    expect(compute).toContain('"app.kubernetes.io/name":"kafka"');
    expect(compute).not.toContain("ipBlock");
    const setUp = JSON.stringify(named("Job", "aios-set-up")?.spec);
    expect(setUp).toContain('"--kafka-secret","aios-kafka","--kafka-key","url","--kafka-host","aios-kafka"');
    expect(() => render("small", "--set", "global.eventBus.bundled=true")).toThrow(
      /global.eventBus.bundled is true, so that a Secret with its URL is made: name it/,
    );
  });

  it("leave the certificates to cert-manager where it is chosen", () => {
    const chosen = ["--set", "global.tls.enabled=true,global.tls.issuer=cert-manager"];
    const all = manifests(render("small", ...chosen));
    const certificates = all.filter(({ kind }) => kind === "Certificate");
    expect(certificates.map(({ metadata }) => metadata.name)).toHaveLength(8);
    expect(certificates[0]?.spec).toMatchObject({ issuerRef: { name: "aios", kind: "Issuer" } });
    expect(all.filter(({ metadata }) => metadata.name.startsWith("aios-certificate"))).toEqual([]);
  });

  it("open exactly the edges of the architecture between services", () => {
    const policies = manifests(render("production")).filter(({ kind }) => kind === "NetworkPolicy");
    const nameOf = (selector: Selector | undefined): string | undefined =>
      selector?.matchLabels?.["app.kubernetes.io/name"];
    const peersOf = (rules: readonly { readonly podSelector?: Selector }[]): readonly string[] =>
      rules.map(({ podSelector }) => nameOf(podSelector)).filter((name) => name !== undefined);
    const edges = (direction: "ingress" | "egress"): string[] =>
      policies.flatMap(({ spec }) => {
        const self = nameOf(spec.podSelector);
        return direction === "ingress"
          ? peersOf((spec.ingress ?? []).flatMap(({ from = [] }) => from)).map((peer) => `${peer} → ${self}`)
          : peersOf((spec.egress ?? []).flatMap(({ to = [] }) => to)).map((peer) => `${self} → ${peer}`);
      });
    // The synthetic check is a user: it may call the public door and nothing else.
    const isUser = (edge: string): boolean => edge.startsWith("synthetic");
    expect(edges("egress").filter(isUser)).toEqual(["synthetic → gateway"]);
    const out = edges("egress")
      .filter((edge) => !isUser(edge))
      .sort();
    const services = new Set(out.map((edge) => edge.split(" → ")[0]));
    const inward = edges("ingress").filter((edge) => services.has(edge.split(" → ")[0]));
    expect(out).toEqual(inward.filter((edge) => !edge.startsWith("provider")).sort());
    const allowed = allowedEdges();
    for (const edge of out.filter((name) => !name.endsWith("consensus"))) expect(allowed).toContain(edge);
    expect(out).toContain("compute → economy");
    expect(out).not.toContain("gateway → provider");
  });

  it.each([
    ["an unknown key", ["--set", "gateway.replica=2"], /gateway[\s\S]*replica is not allowed/],
    ["an unknown service", ["--set", "gatway.replicas=2"], /gatway is not allowed/],
    ["an unknown setting", ["--set", "compute.settings.LEASE=1m"], /compute[\s\S]*LEASE is not allowed/],
    ["a second process of what runs once", ["--set", "economy.replicas=2"], /economy[\s\S]*replicas/],
    ["a size without meaning", ["--set", "storage.persistence.size=much"], /storage[\s\S]*size/],
    [
      "a collector that no policy lets anyone reach",
      ["--set", "global.telemetry.otlpEndpoint=http://collector:4318"],
      /global.networkPolicy.collector is empty, so that nothing would reach the collector http:\/\/collector:4318/,
    ],
    ["a prover that KEDA may take away", ["--set", "zk-prover.keda.minReplicas=0"], /minReplicas/],
    [
      "KEDA without Prometheus",
      ["--set", "zk-prover.keda.enabled=true"],
      /keda.prometheusUrl is needed where keda.enabled is true/,
    ],
  ])("refuse %s by name", (_what, args, complaint) => {
    expect(() => render("small", ...args)).toThrow(complaint);
  });

  it("scale the prover by its queue where KEDA is there, by CPU where it is not", () => {
    const prometheus = "zk-prover.keda.prometheusUrl=http://prometheus:9090";
    const scaled = manifests(render("small", "--set", `zk-prover.keda.enabled=true,${prometheus}`));
    expect(scaled.find(({ kind }) => kind === "ScaledObject")?.spec).toMatchObject({
      scaleTargetRef: { name: "aios-zk-prover" },
      triggers: [{ type: "prometheus", metadata: { query: expect.stringContaining("queued_proofs") } }],
    });
    const byLag = "marketplace.keda.enabled=true,marketplace.keda.bootstrapServers=kafka:9092";
    const heard = manifests(render("production", "--set", byLag)).find(({ kind }) => kind === "ScaledObject");
    const triggers = JSON.stringify(heard?.spec);
    expect(triggers).toContain('"topic":"economy.v1.model.published"');
    expect(triggers.match(/"consumerGroup":"marketplace"/g)).toHaveLength(5);
    const plain = manifests(render("small", "--set", "zk-prover.autoscaling.enabled=true"));
    expect(plain.find(({ kind }) => kind === "HorizontalPodAutoscaler")?.metadata.name).toBe(
      "aios-zk-prover",
    );
    const deployment = plain.find(
      ({ kind, metadata }) => kind === "Deployment" && metadata.name === "aios-zk-prover",
    );
    expect(deployment?.spec.replicas).toBeUndefined();
  });

  // Definitions of others' operators (KEDA, cert-manager, Prometheus) are not among the schemas and are left out.
  const schemas = process.env["KUBERNETES_SCHEMAS"];
  const versions = schemas === undefined ? [] : readdirSync(schemas).sort();
  const cases = versions.flatMap((version) => VALUE_SETS.map((set) => [version, set] as const));
  it
    .skipIf(!isInstalled("kubeconform") || cases.length === 0)
    .each(cases.length > 0 ? cases : [["1.31 to 1.35 (KUBERNETES_SCHEMAS is not set)", "small"] as const])(
    "pass the schemas of Kubernetes %s with %s",
    (version, set) => {
      const location = `${schemas}/${version}/{{.ResourceKind}}{{.KindSuffix}}.json`;
      execFileSync("kubeconform", ["-strict", "-ignore-missing-schemas", "-schema-location", location], {
        input: render(set),
      });
    },
  );
});

function allowedEdges(): readonly string[] {
  const rows = readFileSync(ARCHITECTURE, "utf8").matchAll(/^\| ([\w-]+) \| `\w+` \| (.*) \|$/gm);
  return [...rows].flatMap(([, owner, callers = ""]) =>
    callers.split("<br>").map((caller) => `${caller.split(":")[0]?.trim()} → ${owner}`),
  );
}
