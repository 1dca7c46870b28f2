/** What Kubernetes says of a pod that does not run, and what an operator does about it; the first that fits counts. */
const CAUSES: readonly {
  readonly said: RegExp;
  readonly fix: (said: RegExpMatchArray, service: string) => string;
}[] = [
  {
    said: /Insufficient (memory|cpu|ephemeral-storage|nvidia\.com\/gpu)/,
    fix: ([, what], service) =>
      `No node has room: add a node, or a larger one, or lower ${service}.resources.requests (${what}).`,
  },
  {
    said: /no storage class is set|unbound immediate PersistentVolumeClaims|persistentvolumeclaim "[^"]+" not found|ProvisioningFailed/,
    fix: (_said, service) =>
      `Its disk is not there: mark a storage class as the default, or name one in ${service}.persistence.storageClassName; 'kubectl get storageclass' lists them.`,
  },
  {
    said: /untolerated taint|node affinity\/selector|didn't match Pod's node/,
    fix: (_said, service) =>
      `No node is meant for it: compare ${service}.nodeSelector and ${service}.tolerations with 'kubectl get nodes --show-labels'.`,
  },
  {
    said: /couldn't find key (\S+) in (Secret|ConfigMap) (?:[^/\s]+\/)?([^\s"]+)/,
    fix: ([, key, kind = "", name]) =>
      `Add the key ${key} to the ${kind} ${name}; docs/operators/kubernetes.md says what belongs there.`,
  },
  {
    said: /references non-existent (secret|config) key: (\S+)/,
    fix: ([, , key]) =>
      `Add the key ${key} to the Secret or ConfigMap that the pod mounts; docs/operators/kubernetes.md says what belongs there.`,
  },
  {
    said: /(secret|configmap) "([^"]+)" not found/i,
    fix: ([, kind = "", name]) =>
      `Create the ${kind.toLowerCase() === "secret" ? "Secret" : "ConfigMap"} ${name}; docs/operators/kubernetes.md says what belongs there.`,
  },
  {
    said: /x509|unauthorized|authentication required|403 Forbidden|access denied/i,
    fix: () =>
      "The registry refuses the nodes: name a Secret for it in global.image.pullSecrets, or trust its certificate.",
  },
  {
    said: /ErrImageNeverPull|InvalidImageName|ImagePullBackOff|ErrImagePull|Failed to pull image|not found: not found|manifest unknown/,
    fix: () =>
      "Push the image under this name, or set global.image.registry and global.image.tag to where it is ('npm run images -- --help').",
  },
  {
    said: /OOMKilled/,
    fix: (_said, service) =>
      `It needs more memory than its limit: raise ${service}.resources.limits.memory, and requests with it.`,
  },
  {
    said: /Evicted|The node was low on resource/,
    fix: () =>
      "Free that resource on the node, or add a node; requests below what a pod uses make it the first to go.",
  },
  {
    said: /violates PodSecurity|forbidden: exceeded quota|is forbidden/,
    fix: () =>
      "The namespace refuses the pod: give it the Pod Security level 'restricted', which the charts keep to, and a quota with room.",
  },
  {
    said: /CrashLoopBackOff|exit code/,
    fix: (_said, service) =>
      `Mend what it names; it is started again by itself. More: kubectl logs --previous --selector app.kubernetes.io/name=${service}.`,
  },
  {
    said: /[Rr]eadiness probe failed|[Ll]iveness probe failed|[Ss]tartup probe failed/,
    fix: (_said, service) =>
      `It runs and does not answer its probe: kubectl logs --selector app.kubernetes.io/name=${service}.`,
  },
];

/** What to do about what Kubernetes said of a pod of this service. */
export function fixFor(said: string, service: string): string {
  for (const { said: pattern, fix } of CAUSES) {
    const match = pattern.exec(said);
    if (match !== null) return fix(match, service);
  }
  return `See 'kubectl describe pods --selector app.kubernetes.io/name=${service}' and its log.`;
}
