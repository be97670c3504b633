import { defineScript } from './script.ts';

/**
 * Lua: an export reads a copy of what changes (deliveries, dead letters, leases) that the server makes at one moment; entries do not
 * change, and compaction waits while one is under way. Copies of an export that was left off vanish by themselves.
 */
const exporting = `
local minutes = 10

local function snapshot(id, name)
  return prefix .. 'export:' .. id .. ':' .. name
end

local function stayAlive(id)
  redis.call('ZADD', prefix .. 'exporting', text(now + minutes * 60000), id)
  for _, key in ipairs(redis.call('LRANGE', snapshot(id, 'keys'), 0, -1)) do redis.call('PEXPIRE', key, minutes * 60000) end
end

local function copy(id, name)
  local target = snapshot(id, name)
  if redis.call('COPY', prefix .. name, target) == 1 then redis.call('RPUSH', snapshot(id, 'keys'), target) end
end

local function queuesOf(id)
  local names = redis.call('SMEMBERS', snapshot(id, 'queues'))
  table.sort(names)
  return names
end

local function isGone(id)
  return redis.call('EXISTS', snapshot(id, 'keys')) == 0
end
`;

/** Argument: id of the export. Answers the last position and the time. */
export const exportBeginScript = defineScript(
  'export-begin',
  `${exporting}
local function step()
  local id = take()
  redis.call('RPUSH', snapshot(id, 'keys'), snapshot(id, 'keys'))
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do copy(id, 'deliveries:' .. queue) end
  for _, name in ipairs({ 'queues', 'dead', 'forgotten', 'leases' }) do copy(id, name) end
  stayAlive(id)
  return { 'done', redis.call('HGET', facts, 'last') or '0', text(now) }
end
`,
);

/** Arguments: id of the export, after which position, up to which. Answers entries; none where there are no more. */
export const exportEntriesScript = defineScript(
  'export-entries',
  `${exporting}
local function step()
  local id, after, last = take(), take(), take()
  if isGone(id) then return { 'gone' } end
  stayAlive(id)
  local reply, bytes = {}, 0
  for _, raw in ipairs(redis.call('XRANGE', ledger, '(' .. after .. '-18446744073709551615', last, 'COUNT', 64)) do
    local entry = shaped(raw)
    pushEntry(reply, entry)
    bytes = bytes + #entry.json
    if bytes > 8388608 then break end
  end
  return { 'done', reply }
end
`,
);

/** Arguments: id of the export, after which position, up to which. Answers the position read to, and for each delivery: queue, envelope, state, place, due, count, epoch. */
export const exportDeliveriesScript = defineScript(
  'export-deliveries',
  `${exporting}
local function step()
  local id, after, last = take(), take(), take()
  if isGone(id) then return { 'gone' } end
  stayAlive(id)
  local positions, ids = {}, {}
  for _, raw in ipairs(redis.call('XRANGE', ledger, '(' .. after .. '-18446744073709551615', last, 'COUNT', 200)) do
    local entry = opened(shaped(raw))
    push(positions, entry.position)
    push(ids, entry.id)
  end
  local reply = {}
  if #positions == 0 then return { 'done', '', reply } end
  for _, queue in ipairs(queuesOf(id)) do
    local values = readMany('HMGET', snapshot(id, 'deliveries:' .. queue), positions)
    for index, position in ipairs(positions) do
      local record = parsed(position, values[index])
      if record then
        push(reply, queue, ids[index], record.state)
        push(reply, text(record.place), text(record.due))
        push(reply, record.count, record.epoch)
      end
    end
  end
  return { 'done', positions[#positions], reply }
end
`,
);

/** Argument: id of the export. Answers dead letters (id, record, id of the envelope), forgotten ids and leases (id or name, record). */
export const exportRestScript = defineScript(
  'export-rest',
  `${exporting}
local function step()
  local id = take()
  if isGone(id) then return { 'gone' } end
  local letters, dead = {}, redis.call('HGETALL', snapshot(id, 'dead'))
  for index = 1, #dead, 2 do
    local entry = entryAt(string.match(dead[index + 1], '^[^|]*|(%d+)|'))
    if entry then push(letters, dead[index], dead[index + 1], opened(entry).id) end
  end
  return { 'done', letters, redis.call('HGETALL', snapshot(id, 'forgotten')), redis.call('HGETALL', snapshot(id, 'leases')) }
end
`,
);

/** Argument: id of the export, which ends. */
export const exportEndScript = defineScript(
  'export-end',
  `${exporting}
local function step()
  local id = take()
  for _, key in ipairs(redis.call('LRANGE', snapshot(id, 'keys'), 0, -1)) do redis.call('UNLINK', key) end
  redis.call('ZREM', prefix .. 'exporting', id)
  return { 'done' }
end
`,
);
