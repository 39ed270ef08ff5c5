import { Size, SizeRoundingBehavior } from 'aws-cdk-lib';

/** EBS knows whole ones. */
export function wholeGibibytes(size: Size): Size {
  if (size.isUnresolved()) return size;
  const exact = size.toGibibytes({ rounding: SizeRoundingBehavior.NONE });
  return Size.gibibytes(Math.max(1, Math.ceil(exact)));
}
