/** What a load needs: a model of measured costs, machines and prices. */
export type { MachineCost } from './calibrate';
export { type Calibration, factorOf, parseCalibration } from './calibration';
export { type Costs, readCosts } from './costs';
export { HOURS_OF_MONTH } from './monthly-cost';
export {
  type Candidate,
  type Plan,
  type PlanQuestion,
  planCluster,
  type TooSmall,
} from './plan-cluster';
export { plotOfPlan } from './plan-plot';
export { CLOUDS, type Cloud, type Prices, readPrices } from './prices';
export type { Limit } from './room-fit';
export { type RoomShape, VIDEO_PROFILES, type VideoSize } from './traffic';
