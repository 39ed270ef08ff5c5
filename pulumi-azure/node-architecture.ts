/** What a machine does in its cluster: everything, the steady side, or the elastic side. */
export type NodeRole = 'single' | 'master' | 'media';

/** The processor that machines have: x86_64 (Intel, AMD) or arm64 (Cobalt, Ampere). */
export type NodeArchitecture = 'x86_64' | 'arm64';

/** That of a size: those of Arm have a `p` among the letters after the number, as `Standard_D4ps_v6`. */
export function architectureOf(vmSize: string): NodeArchitecture {
  return /^Standard_[A-Z]+\d+(?:-\d+)?[a-z]*p[a-z]*(?:_|$)/.test(vmSize) ? 'arm64' : 'x86_64';
}
