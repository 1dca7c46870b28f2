/**
 * The name of a service inside its X.509 certificate: a SPIFFE ID in the subject's alternative names. Certificates are
 * told apart by their authority, so the trust domain is the same in every installation.
 */
export function serviceUri(service: string): string {
  return `spiffe://aios/${service}`;
}
