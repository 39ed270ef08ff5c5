/** What a node does: everything, the steady side of a cluster, or the elastic side. */
export const ROLES = ['single', 'master', 'media'] as const;
export type Role = (typeof ROLES)[number];
