/** How a machine compares with the one that the costs were measured on: what `--calibrate` writes. */
import { z } from 'zod';
import type { Costs } from './costs';

const calibrationSchema = z.object({
  processor: z.string(),
  cores: z.number().int().positive(),
  microsecondsPerPacket: z.number().positive(),
  measuredAt: z.string(),
});

export type Calibration = z.output<typeof calibrationSchema>;

/** @throws Error for a text that is no calibration; says what is wrong with it. */
export function parseCalibration(text: string): Calibration {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
  const { success, data, error } = calibrationSchema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new Error(
    `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is not as it should be'}`,
  );
}

/** What a packet costs on the machine, against the one of the costs: 1.2 for a fifth more. */
export const factorOf = (calibration: Calibration, costs: Costs): number =>
  calibration.microsecondsPerPacket / costs.calibration.microsecondsPerPacket;
