import { clockToleranceMs } from '../../../lease-clock.ts';
import { defineScript } from './script.ts';

/** Lua: leases by name, in one hash: `epoch|due|lease|token|holder`. */
const naming = `
local leases = prefix .. 'leases'

local function leaseOf(name)
  local value = redis.call('HGET', leases, name)
  if not value then return nil end
  local epoch, due, lease, token, holder = string.match(value, '^(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  return { old = value, epoch = tonumber(epoch), due = tonumber(due), lease = tonumber(lease), token = token, holder = holder }
end

local function keepLease(name, lease)
  local value = table.concat({ text(lease.epoch), text(lease.due), text(lease.lease), lease.token, lease.holder }, '|')
  writeField(leases, name, value, lease.old)
end
`;

/** Arguments: name, holder, token, lease in milliseconds. The same token again is answered as the first time. */
export const acquireScript = defineScript(
  'acquire',
  `${naming}
local function step()
  local name, holder, token, milliseconds = take(), take(), take(), takeNumber()
  local found = leaseOf(name) or { epoch = 0, due = 0, lease = 0, token = '' }
  if found.token == token then return { 'done', text(found.epoch) } end
  if found.token ~= '' and found.due > now and found.due - found.lease <= now + ${clockToleranceMs} then return { 'held', found.holder } end
  found.epoch, found.due, found.lease, found.token, found.holder = found.epoch + 1, now + milliseconds, milliseconds, token, holder
  keepLease(name, found)
  return { 'done', text(found.epoch) }
end
`,
);

/** Arguments: name, token, lease in milliseconds. A lapsed lease that nobody has taken since may still be extended. */
export const extendLeaseScript = defineScript(
  'extend-lease',
  `${naming}
local function step()
  local name, token, milliseconds = take(), take(), takeNumber()
  local found = leaseOf(name)
  if not found or found.token ~= token then return { 'stale' } end
  found.due, found.lease = now + milliseconds, milliseconds
  keepLease(name, found)
  return { 'done' }
end
`,
);

/** Arguments: name, token. */
export const releaseLeaseScript = defineScript(
  'release-lease',
  `${naming}
local function step()
  local name, token = take(), take()
  local found = leaseOf(name)
  if not found or found.token ~= token then return { 'stale' } end
  found.due, found.token = 0, ''
  keepLease(name, found)
  return { 'done' }
end
`,
);
