import { findingsOf } from '../../../findings/finding';
import type { Check } from './context';

/** What nobody can know before. */
export const checkBeforehand: Check = async () => [
  findingsOf('Free capacity').unchecked(
    'AWS does not say beforehand whether a zone has machines of the type just now',
    'Give alternatives (alternativeInstanceTypes) and more zones, for InsufficientInstanceCapacity.',
  ),
  findingsOf('Rights to deploy').unchecked(
    'service control policies, iam:PassRole and rights of the role that the CDK deploys with are not tried',
    'Look for AccessDenied in the events of the stack.',
  ),
  findingsOf('Ports in between').unchecked(
    'firewalls and network ACLs of yours are not looked at',
    'Let clients reach 443, and what the README lists under ports.',
  ),
];
