/**
 * What the HAProxy of a Master Node listens on for a load balancer that has ended TLS.
 *
 * It tells STUN from HTTP by the first byte: HTTP goes to the server of the node, STUN to the coturn
 * of a Media Node that serves.
 */
export const ENTRY_TRAFFIC_PORT = 7443;

/**
 * Where HAProxy passes the health of the node on, with no PROXY header before it: health checks of
 * a Network Load Balancer send none. Unanswered when HAProxy is dead, not ready when the node is.
 */
export const ENTRY_HEALTH_PORT = 7444;
