import { defineScript } from './script.ts';

/** Lua: what is due comes back to where it can be claimed, at most a thousand at a time. True where more may be due. */
const promoting = `
local batch = 1000

local function promote(queue, kind)
  local key = prefix .. kind .. ':' .. queue
  local positions = redis.call('ZRANGEBYSCORE', key, '-inf', text(now), 'LIMIT', 0, batch)
  if #positions == 0 then return false end
  local gone, came, members, changed = {}, {}, {}, {}
  for _, record in ipairs(recordsOf(queue, positions)) do
    push(gone, text(record.due), record.position)
    push(came, text(record.place), padded(record.position))
    push(members, padded(record.position))
    record.state, record.due = 'w', 0
    push(changed, record)
  end
  write('ZREM', key, positions, 'ZADD', gone)
  keep(queue, changed)
  write('ZADD', prefix .. 'back:' .. queue, came, 'ZREM', members)
  return #positions == batch
end
`;

/** Lua: the first of those that wait, in the order of their place. */
const choosing = `
-- from the list and from those that came back, at most \`limit\`
local function firstWaiting(queue, limit)
  local back = redis.call('ZRANGE', prefix .. 'back:' .. queue, 0, limit - 1, 'WITHSCORES')
  local fresh = redis.call('LRANGE', prefix .. 'queue:' .. queue, 0, limit - 1)
  local chosen, fromBack, fromList = {}, 0, 0
  if #back == 0 then
    for index = 1, #fresh do chosen[index] = { position = fresh[index], isBack = false } end
    return chosen
  end
  while #chosen < limit do
    local place = tonumber(back[2 * fromBack + 2])
    local head = tonumber(fresh[fromList + 1])
    if place and (not head or place < head) then
      push(chosen, { position = text(tonumber(back[2 * fromBack + 1])), isBack = true })
      fromBack = fromBack + 1
    elseif head then
      push(chosen, { position = fresh[fromList + 1], isBack = false })
      fromList = fromList + 1
    else break end
  end
  return chosen
end

-- by position: the entry of \`chosen[index]\`, and in one look those that follow it in the ledger as they do here
local function entriesFrom(chosen, index)
  local first, count = tonumber(chosen[index].position), 1
  while count < 16 and chosen[index + count] and tonumber(chosen[index + count].position) == first + count do count = count + 1 end
  local found = {}
  for _, raw in ipairs(redis.call('XRANGE', ledger, text(first), text(first + count - 1))) do
    local entry = shaped(raw)
    found[entry.position] = entry
  end
  return found
end

-- those of them that one answer should carry
local function withEntries(chosen)
  local ready, bytes, found = {}, 0, {}
  for index, one in ipairs(chosen) do
    if not found[one.position] then found = entriesFrom(chosen, index) end
    one.entry = found[one.position]
    if not one.entry then error('LOST entry ' .. one.position .. ' of the ledger') end
    bytes = bytes + #one.entry.json
    if index > 1 and bytes > 67108864 then break end
    ready[index] = one
  end
  return ready
end

local function takeOut(queue, chosen)
  local members, scores, fresh = {}, {}, {}
  for index = 1, #chosen do
    local one = chosen[index]
    if one.isBack then
      push(members, padded(one.position))
      push(scores, text(one.record.place), padded(one.position))
    else fresh[#fresh + 1] = one.position end
  end
  write('ZREM', prefix .. 'back:' .. queue, members, 'ZADD', scores)
  if #fresh == 0 then return end
  redis.call('LTRIM', prefix .. 'queue:' .. queue, #fresh, -1)
  inverse('LPUSH', prefix .. 'queue:' .. queue, function()
    local reversed = {}
    for index = #fresh, 1, -1 do push(reversed, fresh[index]) end
    return reversed
  end)
end
`;

const claiming = `
-- what was never given out has a text that is known beforehand, and so has its first lease: nothing to take apart
local function withRecords(queue, chosen, positions, token, milliseconds, allowed)
  local values = readMany('HMGET', prefix .. 'deliveries:' .. queue, positions)
  local leased = '|1|1|' .. text(now + milliseconds) .. '|' .. text(milliseconds) .. '|' .. token .. '|'
  for index, one in ipairs(chosen) do
    local position, value = one.position, values[index]
    if allowed > 0 and not one.isBack and value == 'w|' .. position .. '|0|0|0|0||' then
      one.record, one.counted = { position = position, old = value, new = 'l|' .. position .. leased }, '1|1|0'
    else one.record = parsed(position, value) end
  end
end

local function counted(record, isSpent)
  return text(record.count) .. '|' .. text(record.epoch) .. (isSpent and '|1' or '|0')
end

local function lease(queue, chosen, positions, token, milliseconds, allowed)
  local changed, leased, due = {}, {}, text(now + milliseconds)
  for index, one in ipairs(chosen) do
    local record = one.record
    if not record.new then
      local isSpent = record.count >= allowed
      if not isSpent then record.count, record.epoch = record.count + 1, record.epoch + 1 end
      record.state, record.due, record.lease, record.token = 'l', now + milliseconds, milliseconds, token
      one.counted = counted(record, isSpent)
    end
    changed[index] = record
    leased[2 * index - 1], leased[2 * index] = due, record.position
  end
  keep(queue, changed)
  write('ZADD', prefix .. 'leased:' .. queue, leased, 'ZREM', positions)
end

local function pushDelivery(reply, entry, told)
  local length = #reply
  reply[length + 1], reply[length + 2], reply[length + 3], reply[length + 4] = entry.position, entry.head, entry.json, told
end

-- the answer of the first try was lost: the deliveries are there under their token
local function claimedBefore(queue, token, allowed)
  local reply = {}
  for _, record in ipairs(recordsOf(queue, redis.call('ZRANGE', prefix .. 'leased:' .. queue, 0, -1))) do
    if record.token == token then
      pushDelivery(reply, entryAt(record.position), counted(record, record.count > allowed))
    end
  end
  return reply
end

local function nextDue(queue)
  local first
  for _, kind in ipairs({ 'delayed', 'leased' }) do
    local due = tonumber(redis.call('ZRANGE', prefix .. kind .. ':' .. queue, 0, 0, 'WITHSCORES')[2])
    if due and (not first or due < first) then first = due end
  end
  return first and text(math.max(0, first - now)) or ''
end

-- leaves the name of a consumer that will wait, once
local function enlist(queue, waiter)
  local key = prefix .. 'waiters:' .. queue
  if waiter ~= '' and not redis.call('LPOS', key, waiter) then append(key, { waiter }, redis.call('LLEN', key)) end
end

local function strike(queue, waiter)
  if waiter == '' then return end
  local key = prefix .. 'waiters:' .. queue
  if redis.call('LREM', key, 1, waiter) == 1 then inverse('RPUSH', key, { waiter }) end
end

local function step()
  local queue, limit, milliseconds, token, allowed = take(), takeNumber(), takeNumber(), take(), takeNumber()
  local waiter = take()
  if take() == '1' then
    local before = claimedBefore(queue, token, allowed)
    if #before > 0 then return { 'claimed', text(now), before } end
  end
  local more = promote(queue, 'delayed')
  more = promote(queue, 'leased') or more
  if more then return { 'again', text(now) } end
  local chosen = withEntries(firstWaiting(queue, limit))
  if #chosen == 0 then
    enlist(queue, waiter)
    return { 'none', text(now), nextDue(queue) }
  end
  local positions = {}
  for index, one in ipairs(chosen) do positions[index] = one.position end
  withRecords(queue, chosen, positions, token, milliseconds, allowed)
  takeOut(queue, chosen)
  lease(queue, chosen, positions, token, milliseconds, allowed)
  strike(queue, waiter)
  local reply = {}
  for _, one in ipairs(chosen) do pushDelivery(reply, one.entry, one.counted) end
  return { 'claimed', text(now), reply }
end
`;

/**
 * Arguments: queue, at most how many, lease in milliseconds, token, deliveries allowed, the consumer as it stands among the waiters (empty
 * where it will not wait), `1` where the token may have been given deliveries before.
 */
export const claimScript = defineScript('claim', `${promoting}${choosing}${claiming}`);

/** Arguments: queue, the consumer as it stands among the waiters. It waits no more. */
export const leaveScript = defineScript(
  'leave',
  `
local function step()
  redis.call('LREM', prefix .. 'waiters:' .. take(), 1, take())
  return { 'done' }
end
`,
);
