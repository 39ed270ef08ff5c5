import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Duration, Lazy, Size } from 'aws-cdk-lib';
import fc from 'fast-check';
import { Problems } from '../../constructs/private/validation';
import { anyStack, errorsOf, lazyNumber, tokenNumber, tokenText } from './support/stacks';

describe('the problems of properties', () => {
  it('are told all at once, as errors of the construct', () => {
    const stack = anyStack();
    const problems = new Problems(stack);
    problems.integer('minCapacity', 0, { min: 1, max: 10 });
    problems.duration('patience', Duration.hours(50), { max: Duration.hours(48) });
    problems.ordered('minCapacity', 5, 'maxCapacity', 2);
    problems.report();
    assert.deepEqual(errorsOf(stack), [
      'minCapacity: got 0, allowed is a whole number from 1 to 10; give minCapacity a value in these bounds',
      'patience: got 2 days 2 hours, allowed is a time of at most 2 days; give patience a value in these bounds',
      'minCapacity and maxCapacity: got minCapacity 5, maxCapacity 2, allowed is minCapacity up to maxCapacity; lower minCapacity or raise maxCapacity',
    ]);
  });

  it('are thrown as one error where the construct cannot be built', () => {
    const problems = new Problems(anyStack());
    problems.number('targetLoad', 2, { min: 0, max: 1 });
    problems.size('volumeSize', Size.gibibytes(4), { min: Size.gibibytes(8) });
    assert.throws(
      () => problems.throwIfAny(),
      (error) =>
        error instanceof Error &&
        error.message.includes('targetLoad: got 2, allowed is a number from 0 to 1') &&
        error.message.includes('volumeSize: got 4 GiB, allowed is a size of at least 8 GiB'),
    );
  });

  it('are nothing when nothing is wrong', () => {
    const stack = anyStack();
    const problems = new Problems(stack);
    problems.integer('count', 3, { min: 1, max: 9 });
    problems.integer('count', undefined, { min: 1 });
    problems.duration('patience', undefined, { min: Duration.hours(1) });
    problems.orderedDurations('patience', Duration.minutes(15), 'deadline', Duration.hours(1));
    problems.matches('name', 'meet', /^[a-z]+$/, 'lower-case letters');
    problems.atMostOne({ certificate: undefined, email: 'a@example.com' });
    problems.throwIfAny();
    problems.report();
    assert.deepEqual(errorsOf(stack), []);
  });

  it('are none of tokens', () => {
    const stack = anyStack();
    const number = tokenNumber(stack);
    const problems = new Problems(stack);
    problems.integer('count', number, { min: 1, max: 9 });
    problems.number('load', lazyNumber(-1), { min: 0, max: 1 });
    problems.ordered('min', number, 'max', 1);
    problems.ordered('min', 1, 'max', number);
    problems.duration('patience', Duration.seconds(number), { max: Duration.hours(48) });
    problems.duration('patience', Duration.hours(1), { max: Duration.seconds(number) });
    problems.orderedDurations('a', Duration.seconds(number), 'b', Duration.seconds(1));
    problems.size('size', Size.gibibytes(number), { min: Size.gibibytes(8) });
    problems.size('size', Size.gibibytes(4), { min: Size.gibibytes(number) });
    problems.matches('name', tokenText(stack), /^x$/, 'x');
    problems.matches('name', Lazy.string({ produce: () => 'y' }), /^x$/, 'x');
    assert.deepEqual(problems.found, []);
  });

  it('name each of the properties that exclude each other', () => {
    const problems = new Problems(anyStack());
    problems.atMostOne({ vpc: 1, maxZones: 2, dualStack: undefined });
    assert.deepEqual(problems.found, [
      {
        what: 'vpc and maxZones',
        given: 'both',
        allowed: 'only one of vpc, maxZones, dualStack',
        fix: 'leave out maxZones or vpc',
      },
    ]);
  });

  it('find a whole number out of bounds, and only such', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(), (value, min, span) => {
        const problems = new Problems(anyStack());
        problems.integer('n', value, { min, max: min + span });
        return (problems.found.length === 0) === (value >= min && value <= min + span);
      }),
      { numRuns: 50 },
    );
  });

  for (const value of [Number.NaN, Infinity, 1.5]) {
    it(`find that ${value} is no whole number`, () => {
      const problems = new Problems(anyStack());
      problems.integer('n', value);
      assert.equal(problems.found.length, 1);
    });
  }
});
