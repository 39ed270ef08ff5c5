/**
 * All participants of a worker share one socket, and the usual 200 kB overflow in a burst. The system
 * gives no more than net.core.rmem_max and wmem_max.
 */
export const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
