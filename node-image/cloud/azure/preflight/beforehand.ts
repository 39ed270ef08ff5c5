import { findingsOf } from '../../../findings/finding';
import type { Check } from './context';

/** What nobody can know before. */
export const checkBeforehand: Check = async () => [
  findingsOf('Free capacity').unchecked(
    'Azure does not say beforehand whether a zone has machines of the size just now',
    'Give more zones, or another size, for AllocationFailed and ZonalAllocationFailed.',
  ),
  findingsOf('Policies').unchecked(
    'assignments of Azure Policy, which may forbid public addresses, sizes or regions, are not tried',
    'Look for RequestDisallowedByPolicy in what pulumi up says.',
  ),
  findingsOf('Roles that are new').unchecked(
    'how long a role takes to be known everywhere is not known before',
    'Machines try again for 15 minutes; where pulumi up fails by AuthorizationFailed, run it again.',
  ),
  findingsOf('Ports in between').unchecked(
    'firewalls of yours are not looked at',
    'Let clients reach 443, and what the README lists under ports.',
  ),
];
