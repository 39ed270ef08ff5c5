/** What scaling is to be by default, so that a cluster bears what is to be expected. Pure. */
import { FULL_LOAD } from './room-fit';

/** A cluster of so many Media Nodes is to bear that one dies. */
const NODES = 3;

/**
 * Load that Media Nodes are kept below: where one of three dies, its Rooms make the others full, and no
 * fuller.
 */
export const targetLoadToBearALoss = (): number => (FULL_LOAD * (NODES - 1)) / NODES;
