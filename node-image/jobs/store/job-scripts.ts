import { defineScript } from '../../cluster/redis/script';
import { NOW } from '../../cluster/redis/scripts/common';

/**
 * `leasesOf(job)`: the key of the leases of its kind; one that waits has one in the past: since when it
 * has had no owner. `jobOf(id)`: what is known of a job, or nil. `full(id, job)`: all of it, as scripts
 * answer: its text, spec, info, and what is left of its lease.
 */
const JOB = `
local leases = { egress = egressLeases, ingress = ingressLeases, agent = agentLeases }
-- Of a newer version, with other kinds: what is written of those is kept, and read by nobody here.
local function leasesOf(job) return leases[job.kind] or egressLeases end
local function jobOf(id)
  local good, job = pcall(cjson.decode, redis.call('HGET', jobs, id) or '')
  if not good or type(job) ~= 'table' then return nil end
  local epoch = job.epoch
  if type(epoch) ~= 'number' or epoch < 0 or epoch >= 1e14 or epoch % 1 ~= 0 then return nil end
  return job
end
local function full(id, job)
  local till = tonumber(redis.call('ZSCORE', leasesOf(job), id)) or now
  return {
    id,
    cjson.encode(job),
    redis.call('HGET', jobSpecs, id) or '',
    redis.call('HGET', jobInfos, id) or '',
    till - now,
  }
end
`;

/**
 * `write(id, job)`: writes it down and tells everybody. `inRoom(id, job)`: as `jobRooms` knows it, where
 * those of a Room stand one after the other.
 */
const WRITE = `
local function inRoom(id, job)
  return tostring(job.room) .. '\\0' .. id
end
local function write(id, job)
  redis.call('HSET', jobs, id, cjson.encode(job))
  redis.call('ZADD', jobRooms, 0, inRoom(id, job))
  redis.call('PUBLISH', jobEvents, id)
end
`;

const KEYS = [
  ...(['jobs', 'jobSpecs', 'jobInfos', 'jobRooms', 'jobsEnded', 'jobEvents'] as const),
  ...(['egressLeases', 'ingressLeases', 'agentLeases'] as const),
] as const;
const USES = [NOW, JOB, WRITE];

/** @returns the job, or nil where there is one of this id. */
export const createJob = defineScript({
  keys: KEYS,
  args: ['id', 'kind', 'room', 'owner', 'leaseMs', 'spec', 'info'],
  uses: USES,
  lua: `
if jobOf(id) then return nil end
local job = {
  kind = kind,
  room = room,
  state = owner == '' and 'waiting' or 'active',
  owner = owner,
  epoch = owner == '' and 0 or now,
  retries = 0,
  losses = 0,
  createdAtMs = now,
  endedAtMs = 0,
}
redis.call('ZREM', jobsEnded, id)
redis.call('HSET', jobSpecs, id, spec)
redis.call('HSET', jobInfos, id, info)
redis.call('ZADD', leases[kind], owner == '' and now or now + tonumber(leaseMs), id)
write(id, job)
return full(id, job)
`,
});

/** @returns the job, or nil where it is not to be had. */
export const claimJob = defineScript({
  keys: KEYS,
  args: ['id', 'epoch', 'owner', 'leaseMs'],
  uses: USES,
  lua: `
local job = jobOf(id)
if not job or job.state == 'ended' or job.epoch ~= tonumber(epoch) then return nil end
local till = tonumber(redis.call('ZSCORE', leasesOf(job), id)) or 0
if job.state == 'active' and till > now then return nil end
if job.owner ~= '' then
  job.retries = job.retries + 1
  if job.state == 'active' then job.losses = job.losses + 1 end
end
job.state = 'active'
job.owner = owner
job.epoch = math.max(job.epoch + 1, now)
redis.call('ZADD', leasesOf(job), now + tonumber(leaseMs), id)
write(id, job)
return full(id, job)
`,
});

/** Holds jobs: id, epoch, id... @returns ids of those that are not this owner's any more, and of the missing */
export const renewJobs = defineScript({
  keys: KEYS,
  args: ['owner', 'leaseMs'],
  uses: [NOW, JOB],
  lua: `
local lost, missing = {}, {}
for i = 3, #ARGV, 2 do
  local id, epoch = ARGV[i], tonumber(ARGV[i + 1])
  local job = jobOf(id)
  if not job or job.epoch < epoch then
    missing[#missing + 1] = id
  elseif job.epoch == epoch and job.owner == owner and job.state == 'active' then
    redis.call('ZADD', leasesOf(job), now + tonumber(leaseMs), id)
  else
    lost[#lost + 1] = id
  end
end
return { lost, missing }
`,
});

/** Puts a job back that Redis has lost, or knows of an epoch before. @returns 1 where it is its owner's */
export const restoreJob = defineScript({
  keys: KEYS,
  args: ['id', 'epoch', 'text', 'spec', 'info', 'leaseMs'],
  uses: USES,
  lua: `
local job = jobOf(id)
if job and job.epoch >= tonumber(epoch) then return 0 end
job = cjson.decode(text)
redis.call('HSET', jobSpecs, id, spec)
redis.call('HSET', jobInfos, id, info)
redis.call('ZREM', jobsEnded, id)
redis.call('ZADD', leasesOf(job), now + tonumber(leaseMs), id)
write(id, job)
return 1
`,
});

/** Nobody else is told: what is said of a job is for those who ask. @returns 1 where it is still its writer's */
export const updateJob = defineScript({
  keys: KEYS,
  args: ['id', 'epoch', 'info'],
  uses: USES,
  lua: `
local job = jobOf(id)
if not job or job.state == 'ended' or job.epoch ~= tonumber(epoch) then return 0 end
redis.call('HSET', jobInfos, id, info)
return 1
`,
});

/** @returns 1 where the job was its writer's, and waits */
export const releaseJob = defineScript({
  keys: KEYS,
  args: ['id', 'epoch', 'info'],
  uses: USES,
  lua: `
local job = jobOf(id)
if not job or job.state ~= 'active' or job.epoch ~= tonumber(epoch) then return 0 end
job.state = 'waiting'
redis.call('HSET', jobInfos, id, info)
redis.call('ZADD', leasesOf(job), now, id)
write(id, job)
return 1
`,
});

/** @returns 1 where the job was its writer's, and has ended now or before */
export const endJob = defineScript({
  keys: KEYS,
  args: ['id', 'epoch', 'info'],
  uses: USES,
  lua: `
local job = jobOf(id)
if not job or job.epoch ~= tonumber(epoch) then return 0 end
if job.state == 'ended' then return 1 end
job.state = 'ended'
job.endedAtMs = now
redis.call('HSET', jobInfos, id, info)
redis.call('ZREM', leasesOf(job), id)
redis.call('ZADD', jobsEnded, now, id)
write(id, job)
return 1
`,
});

/** Ends the leases of an owner, now. @returns how many */
export const expireOwner = defineScript({
  keys: KEYS,
  args: ['owner'],
  uses: USES,
  lua: `
local expired = 0
for _, key in pairs(leases) do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf')) do
    local job = jobOf(id)
    if job and job.owner == owner and job.state == 'active' then
      redis.call('ZADD', key, now, id)
      redis.call('PUBLISH', jobEvents, id)
      expired = expired + 1
    end
  end
end
return expired
`,
});

/** @returns ids of those of this kind that nobody holds, who has waited longest first */
export const unheldJobs = defineScript({
  keys: KEYS,
  args: ['kind'],
  uses: [NOW, JOB],
  lua: `return redis.call('ZRANGEBYSCORE', leases[kind], '-inf', now)`,
});

/** Ids, each of one job. @returns those of this kind and Room that there are; empty: of any */
export const readJobs = defineScript({
  keys: KEYS,
  args: ['kind', 'room'],
  uses: [NOW, JOB],
  lua: `
local found = {}
for i = 3, #ARGV do
  local job = jobOf(ARGV[i])
  if job and (kind == '' or job.kind == kind) and (room == '' or job.room == room) then
    found[#found + 1] = full(ARGV[i], job)
  end
end
return found
`,
});

/**
 * Takes ended jobs away, at most 250: those that ended too long ago, then those that are too many of
 * their kind. What is in no order is put in order, or taken away.
 *
 * @returns how many
 */
export const sweepJobs = defineScript({
  keys: KEYS,
  args: ['olderMs', 'most'],
  uses: USES,
  lua: `
local taken, counts = 0, {}
local function take(id)
  local job = jobOf(id)
  if job then redis.call('ZREM', jobRooms, inRoom(id, job)) end
  redis.call('HDEL', jobs, id)
  redis.call('HDEL', jobSpecs, id)
  redis.call('HDEL', jobInfos, id)
  redis.call('ZREM', jobsEnded, id)
  taken = taken + 1
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', jobsEnded, '-inf', now - tonumber(olderMs), 'LIMIT', 0, 250)) do
  take(id)
end
for _, id in ipairs(redis.call('ZREVRANGE', jobsEnded, 0, -1)) do
  if taken >= 250 then break end
  local job = jobOf(id)
  local kind = job and job.kind or ''
  counts[kind] = (counts[kind] or 0) + 1
  if counts[kind] > tonumber(most) then take(id) end
end
return taken
`,
});
