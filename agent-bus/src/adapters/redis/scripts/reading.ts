import { defineScript } from './script.ts';

/** Lua: how many entries are looked at, and how many bytes an answer holds, before the caller is to ask again. */
const paging = `
local most, mostBytes = 512, 8388608
`;

/** Arguments: stream, after which seq, at most how many (at least 1). The answer may hold fewer than there are. */
export const readStreamScript = defineScript(
  'read-stream',
  `${paging}
local function step()
  local stream, after, limit = take(), takeNumber(), math.min(takeNumber(), most)
  local reply, bytes = {}, 0
  for _, position in ipairs(redis.call('LRANGE', prefix .. 'stream:' .. stream, after, after + limit - 1)) do
    local entry = entryAt(position)
    if not entry then error('LOST entry ' .. position .. ' of the ledger') end
    pushEntry(reply, entry)
    bytes = bytes + #entry.json
    if bytes > mostBytes then break end
  end
  return { 'done', redis.call('HGET', facts, 'last') or '0', reply }
end
`,
);

/** Arguments: after which position, at most how many (at least 1). The answer may hold fewer than there are. */
export const readAllScript = defineScript(
  'read-all',
  `${paging}
local function step()
  local after, limit = take(), math.min(takeNumber(), most)
  local reply, bytes, count = {}, 0, 0
  while count < limit and bytes < mostBytes do
    local found = redis.call('XRANGE', ledger, '(' .. after .. '-18446744073709551615', '+', 'COUNT', math.min(16, limit - count))
    if #found == 0 then break end
    for _, raw in ipairs(found) do
      local entry = shaped(raw)
      pushEntry(reply, entry)
      after, bytes, count = entry.position, bytes + #entry.json, count + 1
    end
  end
  return { 'done', redis.call('HGET', facts, 'last') or '0', reply }
end
`,
);

/** For each queue: name, waiting, delayed, leased. */
export const queuesScript = defineScript(
  'queues',
  `
local function step()
  local reply = {}
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    local due, later = 0, {}
    for index, kind in ipairs({ 'delayed', 'leased' }) do
      local key = prefix .. kind .. ':' .. queue
      due = due + redis.call('ZCOUNT', key, '-inf', text(now))
      later[index] = redis.call('ZCOUNT', key, '(' .. text(now), '+inf')
    end
    local waiting = redis.call('LLEN', prefix .. 'queue:' .. queue) + redis.call('ZCARD', prefix .. 'back:' .. queue) + due
    push(reply, queue, waiting)
    push(reply, later[1], later[2])
  end
  return { 'done', reply }
end
`,
);

/** Arguments: ids of envelopes. For each delivery: id, queue, state, count; what is due waits. */
export const deliveriesScript = defineScript(
  'deliveries',
  `
local function step()
  local ids, positions, reply = {}, {}, {}
  for index = 1, takeNumber() do ids[index] = take() end
  local found = readMany('HMGET', prefix .. 'ids', ids)
  for index in ipairs(ids) do positions[index] = found[index] or '0' end
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    for index, record in ipairs(recordsOf(queue, positions)) do
      if record then
        local isDue = (record.state == 'd' or record.state == 'l') and record.due <= now
        push(reply, ids[index], queue)
        push(reply, isDue and 'w' or record.state, record.count)
      end
    end
  end
  return { 'done', reply }
end
`,
);

/** Argument: stream. */
export const versionScript = defineScript(
  'version',
  `
local function step()
  return { 'done', redis.call('LLEN', prefix .. 'stream:' .. take()) }
end
`,
);

export const lastPositionScript = defineScript(
  'last-position',
  `
local function step()
  return { 'done', redis.call('HGET', facts, 'last') or '0' }
end
`,
);

/** Names of the streams in the order of their first entries. */
export const streamsScript = defineScript(
  'streams',
  `
local function step()
  return { 'done', redis.call('ZRANGE', prefix .. 'streams', 0, -1) }
end
`,
);
