/**
 * Loaded before a node's program: a build in which nobody looks at what the registry answers of Rooms
 * that other nodes host by now.
 */
import { HostedRooms } from '../../../../node-image/cluster/hosted-rooms';

HostedRooms.prototype.loses = () => false;
console.log('{"msg":"this build never steps back"}');
