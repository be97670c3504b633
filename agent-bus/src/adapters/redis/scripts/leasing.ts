import { clockToleranceMs } from '../../../lease-clock.ts';
import { defineScript } from './script.ts';

/** Arguments: queue, id, token, lease in milliseconds. A lapsed lease that nobody has been given since may still be extended. */
export const extendScript = defineScript(
  'extend',
  `
local function step()
  local queue, id, token, milliseconds = take(), take(), take(), takeNumber()
  local record = recordOf(queue, id)
  if not isHeld(record, token) or isEnded(record) then return { 'stale' } end
  if record.state == 'w' then lift(queue, { record }) end
  local due = record.state == 'l' and text(record.due)
  record.state, record.due, record.lease = 'l', now + milliseconds, milliseconds
  local key, added = prefix .. 'leased:' .. queue, { text(record.due), record.position }
  if due then write('ZADD', key, added, 'ZADD', { due, record.position }) else write('ZADD', key, added, 'ZREM', { record.position }) end
  keep(queue, { record })
  return { 'done' }
end
`,
);

/** Arguments: queue, id, token, the time before which it is not delivered again. */
export const releaseScript = defineScript(
  'release',
  `
local function step()
  local queue, id, token, due = take(), take(), take(), takeNumber()
  local record = recordOf(queue, id)
  if not isHeld(record, token) or isEnded(record) then return { 'stale' } end
  lift(queue, { record })
  record.count, record.token = record.count - 1, ''
  if due > now then
    record.state, record.due = 'd', due
    score(prefix .. 'delayed:' .. queue, record.position, text(due))
  else
    record.state, record.due = 'w', 0
    score(prefix .. 'back:' .. queue, padded(record.position), text(record.place))
  end
  keep(queue, { record })
  ring(queue)
  ringBells()
  return { 'done' }
end
`,
);

/** Every lease that is held: flat lists of queue, position, token, and of name, token. */
export const heldScript = defineScript(
  'held',
  `
local function step()
  local deliveries, names = {}, {}
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    for _, record in ipairs(recordsOf(queue, redis.call('ZRANGE', prefix .. 'leased:' .. queue, 0, -1))) do
      push(deliveries, queue, record.position, record.token)
    end
  end
  local leases = redis.call('HGETALL', prefix .. 'leases')
  for index = 1, #leases, 2 do push(names, leases[index], (string.match(leases[index + 1], '^%d+|%d+|%d+|([^|]*)|'))) end
  return { 'done', deliveries, names }
end
`,
);

/** Lua: ends leases, so that the next claim finds them lapsed. */
const lapsing = `
local function lapse(queue, records)
  local scores, old, changed = {}, {}, {}
  for _, record in ipairs(records) do
    push(scores, 0, record.position)
    push(old, text(record.due), record.position)
    record.due = 0
    push(changed, record)
  end
  if #changed == 0 then return end
  write('ZADD', prefix .. 'leased:' .. queue, scores, 'ZADD', old)
  keep(queue, changed)
  ring(queue)
end
`;

/** Ends leases whose holder is gone. Arguments: number of deliveries, each as queue, position, token; number of names, each as name, token. */
export const lapseScript = defineScript(
  'lapse',
  `${lapsing}
local function step()
  for index = 1, takeNumber() do
    local queue, position, token = take(), take(), take()
    local record = recordsOf(queue, { position })[1]
    if record and record.state == 'l' and record.token == token then lapse(queue, { record }) end
  end
  for index = 1, takeNumber() do
    local name, token = take(), take()
    local value = redis.call('HGET', prefix .. 'leases', name)
    local epoch, lease, holder = string.match(value or '', '^(%d+)|%d+|(%d+)|' .. string.gsub(token, '%p', '%%%0') .. '|(.*)$')
    if epoch then writeField(prefix .. 'leases', name, table.concat({ epoch, 0, lease, '', holder }, '|'), value) end
  end
  ringBells()
  return { 'done' }
end
`,
);

/** The clock went back: leases taken before count as lapsed (`beginsInFuture`). */
export const lapseFutureScript = defineScript(
  'lapse-future',
  `${lapsing}
local function step()
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    local future = {}
    for _, record in ipairs(recordsOf(queue, redis.call('ZRANGE', prefix .. 'leased:' .. queue, 0, -1))) do
      if record.due - record.lease > now + ${clockToleranceMs} then push(future, record) end
    end
    lapse(queue, future)
  end
  ringBells()
  return { 'done' }
end
`,
);
