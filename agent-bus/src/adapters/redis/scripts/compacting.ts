import { defineScript } from './script.ts';

/** Lua: takes a stream out of the store. What has begun is noted in the hash `dropping`, so that the next compaction ends it. */
const dropping = `
local droppings = prefix .. 'dropping'

-- entries whose ids are remembered until \`forgetAt\`; each command may be repeated
local function forgetEntries(entries, forgetAt)
  local remembered, times, ids, positions = {}, {}, {}, {}
  for _, entry in ipairs(entries) do
    push(remembered, entry.id, table.concat({ entry.position, entry.seq, entry.digest, forgetAt, entry.stream }, '|'))
    push(times, forgetAt, entry.id)
    push(ids, entry.id)
    push(positions, entry.position)
  end
  if #ids == 0 then return end
  callMany(redis.call, 'HSET', prefix .. 'forgotten', remembered)
  callMany(redis.call, 'ZADD', prefix .. 'forgotten-until', times)
  callMany(redis.call, 'HDEL', prefix .. 'ids', ids)
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    callMany(redis.call, 'HDEL', prefix .. 'deliveries:' .. queue, positions)
    if redis.call('EXISTS', prefix .. 'deliveries:' .. queue) == 0 then redis.call('SREM', prefix .. 'queues', queue) end
  end
  callMany(redis.call, 'XDEL', ledger, positions)
end

local function finishDrop(stream, forgetAt)
  local positions = redis.call('LRANGE', prefix .. 'dropping:' .. stream, 0, -1)
  local entries = {}
  for _, position in ipairs(positions) do
    local entry = entryAt(position)
    if entry then push(entries, opened(entry)) end
  end
  forgetEntries(entries, forgetAt)
  redis.call('DEL', prefix .. 'dropping:' .. stream)
  redis.call('HDEL', droppings, stream)
end
`;

/** Arguments: stream, closed before (unix milliseconds), the time until which its ids are remembered. Answers the number of dropped entries. */
export const dropScript = defineScript(
  'drop',
  `${dropping}
local function hasOpen(positions)
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    for _, record in ipairs(recordsOf(queue, positions)) do
      if record and record.state ~= 'c' and record.state ~= 'p' then return true end
    end
  end
  return false
end

local function step()
  local stream, before, horizon = take(), takeNumber(), takeNumber()
  local positions = redis.call('LRANGE', prefix .. 'stream:' .. stream, 0, -1)
  if #positions == 0 or redis.call('ZCOUNT', prefix .. 'exporting', text(now), '+inf') > 0 then return { 'done', 0 } end
  if redis.call('HEXISTS', droppings, stream) == 1 then return { 'done', 0 } end
  local last = entryAt(positions[#positions])
  if not last then error('LOST entry ' .. positions[#positions] .. ' of the ledger') end
  if tonumber(opened(last).at) >= before or hasOpen(positions) then return { 'done', 0 } end
  local first = redis.call('ZSCORE', prefix .. 'streams', stream)
  writeField(droppings, stream, text(now + horizon), nil)
  unscore(prefix .. 'streams', stream, first)
  redis.call('RENAME', prefix .. 'stream:' .. stream, prefix .. 'dropping:' .. stream)
  -- from here on it goes forward only: what an error leaves is ended by the next compaction
  inverses = {}
  finishDrop(stream, text(now + horizon))
  return { 'done', #positions }
end
`,
);

/** Ends drops that were begun, and forgets ids whose time has come. */
export const tidyScript = defineScript(
  'tidy',
  `${dropping}
local function step()
  local begun = redis.call('HGETALL', droppings)
  for index = 1, #begun, 2 do finishDrop(begun[index], begun[index + 1]) end
  local ids = redis.call('ZRANGEBYSCORE', prefix .. 'forgotten-until', '-inf', text(now))
  if #ids > 0 then
    callMany(redis.call, 'HDEL', prefix .. 'forgotten', ids)
    callMany(redis.call, 'ZREM', prefix .. 'forgotten-until', ids)
  end
  return { 'done' }
end
`,
);
