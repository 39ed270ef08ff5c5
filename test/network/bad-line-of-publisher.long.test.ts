import { badLineSuite } from './support/bad-line';

badLineSuite('alice');
