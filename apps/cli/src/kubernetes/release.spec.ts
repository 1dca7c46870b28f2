import { expect, it } from "vitest";
import { releaseShape } from "./release.js";

const POD = `containers: [{ name: main-job, image: "registry.example/aios/cluster:7", imagePullPolicy: Always }]`;
const FORMS = {
  pod: `kind: Pod
metadata: { name: aios-main-job }
spec: { imagePullSecrets: [{ name: credentials }], ${POD} }`,
  "Job, as of charts before": `kind: Job
metadata: { name: aios-main-job }
spec: { template: { spec: { imagePullSecrets: [{ name: credentials }], ${POD} } } }`,
};

it.each(Object.entries(FORMS))(
  "copies with the image of helm's test where that is a %s",
  (_form, manifests) => {
    expect(releaseShape("aios", manifests).image).toEqual({
      image: "registry.example/aios/cluster:7",
      imagePullPolicy: "Always",
      imagePullSecrets: [{ name: "credentials" }],
    });
  },
);

it("refuses the release of another chart", () => {
  expect(() => releaseShape("other", FORMS.pod)).toThrow(expect.objectContaining({ code: "not-aios" }));
});
