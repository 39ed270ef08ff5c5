/** Media Nodes over Rooms, as SVG. Pure. */
import { type Line, plot } from './line-plot';
import { type Plan, type PlanQuestion, planCluster } from './plan-cluster';

/** Points of a line. */
const STEPS = 20;

/**
 * Up to twice the Rooms, on the machine that is cheapest for those asked for: one line a cloud, and one
 * for costs that are as wrong as the worst prediction was.
 *
 * @returns undefined where a Room fits no machine
 */
export function plotOfPlan(question: PlanQuestion, plan: Plan): string | undefined {
  const lines = question.clouds.flatMap((cloud) => {
    const best = plan.candidates.find((one) => one.cloud === cloud);
    if (best === undefined) return [];
    const { type } = best.machine;
    const points = roomsUpTo(2 * question.rooms).flatMap((rooms) => {
      const asked = { ...question, clouds: [cloud], rooms, machine: type };
      const [one] = planCluster(asked).candidates;
      return one === undefined ? [] : [{ x: rooms, nodes: one.nodes }];
    });
    const line = (name: string, of: 'expected' | 'high'): Line => ({
      name,
      points: points
        .filter(({ nodes }) => Number.isFinite(nodes[of]))
        .map(({ x, nodes }) => ({ x, y: nodes[of] })),
    });
    const high = line(`at most, +${Math.round(plan.error * 100)} %`, 'high');
    return [line(type, 'expected'), ...(high.points.length > 0 ? [high] : [])];
  });
  if (lines.length === 0) return undefined;
  return plot({ title: 'Media Nodes that Rooms of this kind need', x: 'Rooms', y: 'nodes', lines });
}

function roomsUpTo(most: number): readonly number[] {
  const steps = Array.from({ length: STEPS }, (_, i) => Math.ceil((most * (i + 1)) / STEPS));
  return [...new Set(steps)];
}
