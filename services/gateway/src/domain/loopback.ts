/** Whether only programs of this machine can reach what listens on the host: 127.0.0.0/8, ::1 or `localhost`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.(?:0|[1-9][0-9]{0,2})){3}$/.test(host);
}
