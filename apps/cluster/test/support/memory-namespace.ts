import type { KubernetesApi, StoredObject } from "../../src/kubernetes-api.js";

/** A namespace in memory; `beforeCreate` may act between a read and the creation that follows. */
export class MemoryNamespace implements KubernetesApi {
  readonly objects = new Map<string, Readonly<Record<string, string>>>();
  readonly created: string[] = [];
  beforeCreate: (object: StoredObject) => void = () => undefined;

  async read(kind: string, name: string): Promise<Readonly<Record<string, string>> | undefined> {
    return this.objects.get(`${kind}/${name}`);
  }

  async create(object: StoredObject): Promise<boolean> {
    this.beforeCreate(object);
    const name = `${object.kind}/${object.name}`;
    if (this.objects.has(name)) return false;
    this.objects.set(name, object.entries);
    this.created.push(name);
    return true;
  }

  async replace(object: StoredObject): Promise<void> {
    this.objects.set(`${object.kind}/${object.name}`, object.entries);
  }
}
