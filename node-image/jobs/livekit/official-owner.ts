/** Owner of the jobs that a livekit/egress service runs: which of several, nobody is told. */
export const EGRESS_SERVICE = 'livekit/egress';
