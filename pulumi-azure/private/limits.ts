/** So many machines can be behind one address, each with 1024 ports for its way out. */
export const MOST_MASTERS = 60;
