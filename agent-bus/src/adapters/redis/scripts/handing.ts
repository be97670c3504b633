/**
 * Lua: a consumer that waits has left its name in the list `waiters:<queue>`: `instance token max lease`. What is sent while nothing else
 * waits in the queue is leased to it in the very step that sends it, and told to its instance, so that it need not ask.
 */
export const handing = `
-- what a server surely passes on to a subscriber at once
local mostHanded = 65536

local function isUntouched(queue)
  if queue.length > 0 or #queue.back > 0 then return false end
  if redis.call('ZCARD', prefix .. 'back:' .. queue.name) > 0 then return false end
  for _, kind in ipairs({ 'delayed', 'leased' }) do
    if redis.call('ZCOUNT', prefix .. kind .. ':' .. queue.name, '-inf', text(now)) > 0 then return false end
  end
  return true
end

local function hand(queue, waiter, entries)
  local instance, token, limit, milliseconds = string.match(waiter, '^(%S+) (%S+) (%d+) (%d+)$')
  local channel = prefix .. 'to:' .. instance
  -- one that is gone is forgotten
  if redis.call('PUBSUB', 'NUMSUB', channel)[2] == 0 then return true end
  local told, bytes = {}, 0
  while #told < 3 * tonumber(limit) and queue.handed < #queue.fresh do
    local position = queue.fresh[queue.handed + 1]
    local entry = entries[position]
    bytes = bytes + #entry.json
    if bytes > mostHanded then break end
    local due = text(now + tonumber(milliseconds))
    queue.values[queue.slots[position]] = table.concat({ 'l', position, 1, 1, due, milliseconds, token, '' }, '|')
    push(queue.leased, due, position)
    pushEntry(told, entry)
    queue.handed = queue.handed + 1
  end
  if #told == 0 then return false end
  push(queue.offers, { channel, cjson.encode({ queue.name, token, text(now), told }) })
  return true
end

-- decides which of the new deliveries of a queue are given to those who wait for them
local function planHanding(queue, entries)
  if #queue.fresh == 0 then return end
  local waiters = redis.call('LRANGE', prefix .. 'waiters:' .. queue.name, 0, 15)
  if #waiters == 0 or not isUntouched(queue) then return end
  for _, waiter in ipairs(waiters) do
    if queue.handed == #queue.fresh or not hand(queue, waiter, entries) then return end
    push(queue.served, waiter)
  end
end

local function applyHanding(queue)
  local rest = {}
  for index = queue.handed + 1, #queue.fresh do push(rest, queue.fresh[index]) end
  queue.fresh = rest
  if #queue.served == 0 then return end
  local key, reversed, positions = prefix .. 'waiters:' .. queue.name, {}, {}
  for index = #queue.served, 1, -1 do push(reversed, queue.served[index]) end
  redis.call('LTRIM', key, #reversed, -1)
  inverse('LPUSH', key, reversed)
  for index = 2, #queue.leased, 2 do push(positions, queue.leased[index]) end
  write('ZADD', prefix .. 'leased:' .. queue.name, queue.leased, 'ZREM', positions)
  for _, offer in ipairs(queue.offers) do push(offered, offer) end
end
`;
