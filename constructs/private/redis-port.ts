/** Where Redis listens by default. */
export const REDIS_PORT = 6379;
